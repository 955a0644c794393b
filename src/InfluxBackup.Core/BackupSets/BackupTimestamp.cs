using System.Globalization;

namespace InfluxBackup.BackupSets;

/// <summary>The name of a backup in its set: the UTC time of its beginning, <c>20060102T150405Z</c>.</summary>
public static class BackupTimestamp
{
    private const string Layout = "yyyyMMdd'T'HHmmss'Z'";

    public static string Format(DateTime utc) => utc.ToString(Layout, CultureInfo.InvariantCulture);

    public static bool TryParse(string? text, out DateTime utc) => DateTime.TryParseExact(
        text, Layout, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out utc);
}
