using System.Globalization;
using System.Text;
using InfluxBackup.Tests.LineProtocol;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm.Merging;

/// <summary>What a shard holds, kept in a dictionary: files in their order, later ones over earlier ones, each without what its own tombstones delete.</summary>
internal sealed class PointModel
{
    private readonly Dictionary<(string Series, string Field, long Time), object> points = [];

    public PointModel(IEnumerable<GeneratedFile> files, TimeRange times, Func<string, bool>? includes = null)
    {
        foreach (var file in files)
        {
            var deletes = file.Deletes.ToLookup(d => (d.Series, d.Field), d => d.Times);
            foreach (var block in file.Blocks.Where(b => includes?.Invoke(b.Series) != false))
            {
                foreach (var (time, value) in block.Points.Where(p => times.Contains(p.Time) && !deletes[(block.Series, block.Field)].Any(d => d.Contains(p.Time))))
                {
                    points[(block.Series, block.Field, time)] = value;
                }
            }
        }
    }

    public int Count => points.Count;

    /// <summary>
    /// The first thing that is wrong with the lines of an export of this shard; null if nothing is. They must hold each point once and
    /// nothing else, series ascending by their bytes, times ascending in each (in each of its fields where these have lines of their own:
    /// a long series is cut into stretches of time), and with joined fields all fields of a time in one line.
    /// </summary>
    /// <param name="lines">The lines, in their order.</param>
    /// <param name="oneFieldPerLine">Whether each field has lines of its own.</param>
    public string? FindDifference(IEnumerable<PointLine> lines, bool oneFieldPerLine)
    {
        var left = new Dictionary<(string Series, string Field, long Time), object>(points.Select(p =>
            KeyValuePair.Create((Bytes(p.Key.Series), Bytes(p.Key.Field), p.Key.Time), p.Value)));
        PointLine? last = null;
        var lastTimes = new Dictionary<string, long>();
        foreach (var line in lines)
        {
            if (last?.Series != line.Series)
            {
                if (last is not null && !Ascends(last.Series, line.Series))
                {
                    return $"{line.Series} after {last.Series}";
                }
                lastTimes.Clear();
            }
            var field = oneFieldPerLine ? line.Fields[0].Name : "";
            if (lastTimes.TryGetValue(field, out var lastTime) && lastTime >= line.Time)
            {
                return $"{line.Series} {field}: {line.Time} after {lastTime}";
            }
            lastTimes[field] = line.Time;
            if (oneFieldPerLine && line.Fields.Count > 1)
            {
                return $"several fields: {line}";
            }
            foreach (var (name, text) in line.Fields)
            {
                if (!left.Remove((line.Series, name, line.Time), out var value))
                {
                    return $"not stored, deleted, outside, or twice: {line.Series} {name} {line.Time} {text}";
                }
                if (!Same(value, text))
                {
                    return $"{line.Series} {name} {line.Time}: stored {value}, printed {text}";
                }
            }
            last = line;
        }
        return left.Count == 0 ? null : $"missing {left.Count} points, for instance {left.First()}";
    }

    /// <summary>Files are sorted by series and field with the separator between, so that "a!" comes before "a".</summary>
    private static bool Ascends(string last, string series) => string.CompareOrdinal(last + "#!~#", series + "#!~#") < 0;

    private static bool Same(object value, string text) => value switch
    {
        double number => BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)) == BitConverter.DoubleToInt64Bits(number),
        long number => text == number.ToString(CultureInfo.InvariantCulture) + "i",
        ulong number => text == number.ToString(CultureInfo.InvariantCulture) + "u",
        bool flag => text == (flag ? "true" : "false"),
        string characters => text == $"\"{Bytes(characters).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        _ => false,
    };

    /// <summary>A character for each byte of UTF-8, as lines are read.</summary>
    private static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
