using System.Globalization;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Output;

/// <summary>Numbers and times as people read them.</summary>
internal static class Text
{
    public static string Count(int number, string singular) => Count((long)number, singular);

    public static string Count(long number, string singular) =>
        number == 1 ? $"1 {singular}" : string.Create(CultureInfo.InvariantCulture, $"{number} {singular}s");

    public static string Count(long number, string singular, string plural) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? singular : plural)}");

    public static string Size(long? bytes) => bytes is { } known ? ByteSize.Format(known) : "-";

    public static string Rate(long bytes, TimeSpan duration) =>
        duration > TimeSpan.FromMilliseconds(1) ? $"{ByteSize.Format((long)(bytes / duration.TotalSeconds))}/s" : "-";

    /// <summary>For instance <c>0.4 s</c>, <c>12 s</c>, <c>3:07 min</c>, <c>1:02:33 h</c>.</summary>
    public static string Duration(TimeSpan duration) => duration.TotalSeconds switch
    {
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.0} s"),
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0} s"),
        < 3600 => duration.ToString("m\\:ss", CultureInfo.InvariantCulture) + " min",
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalHours}:{duration:mm\\:ss} h"),
    };

    /// <summary>UTC; only the day where that is exact, as it is for most shards.</summary>
    public static string Time(DateTime? time) =>
        time?.ToString(time.Value.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-";

    public static string Outcome(Outcome outcome, TextStyle style) => outcome switch
    {
        Transfer.Outcome.Complete => style.Green("Complete"),
        Transfer.Outcome.Partial => style.Yellow("Partial"),
        _ => style.Red("Failed"),
    };
}
