using System.Globalization;
using System.Text;
using InfluxBackup.Tsm;
using InfluxBackup.Wal;

namespace InfluxBackup.Tests.Wal;

/// <summary>What a reader makes of a segment, as lines of text.</summary>
internal static class WalText
{
    public static (List<string> Lines, string? Warning, long Entries) Read(byte[] bytes)
    {
        using var segment = WalSegmentReader.Open(new MemoryStream(bytes), "test.wal");
        return Read(segment);
    }

    public static (List<string> Lines, string? Warning, long Entries) Read(WalSegmentReader segment)
    {
        var lines = new List<string>();
        while (segment.Read())
        {
            while (segment.ReadKey())
            {
                var key = Encoding.UTF8.GetString(segment.Key);
                if (segment.Type != WalEntryType.Write)
                {
                    lines.Add($"{key} - {segment.MinTime} {segment.MaxTime}");
                    continue;
                }
                for (var values = segment.Values; values.Read();)
                {
                    lines.Add(string.Create(CultureInfo.InvariantCulture, $"{key} {values.Time} {Value(values)}"));
                }
            }
        }
        return (lines, segment.Warning, segment.Entries);
    }

    public static object Value(in WalValues values) => values.Type switch
    {
        TsmBlockType.Float => values.Float,
        TsmBlockType.Integer => values.Integer,
        TsmBlockType.Unsigned => values.Unsigned,
        TsmBlockType.Boolean => values.Boolean,
        _ => Encoding.UTF8.GetString(values.String),
    };
}
