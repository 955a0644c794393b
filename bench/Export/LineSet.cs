using System.IO.Compression;

namespace InfluxBackup.Bench.Export;

/// <summary>
/// The values in a file of line protocol, however its lines are ordered and whether a line holds one field or all of a time: what
/// a server holds that has imported the file. All of it is in memory.
/// </summary>
internal sealed class LineSet
{
    private readonly Dictionary<(string Series, string Field, string Time), string> _values = [];

    private LineSet()
    {
    }

    public long Lines { get; private set; }

    public int Values => _values.Count;

    /// <summary>Values that a later line replaced by another, or gave again.</summary>
    public long Replaced { get; private set; }

    /// <param name="path">A name that ends in <c>.gz</c> is unpacked. Strings have no line ends in them.</param>
    public static LineSet Read(string path)
    {
        var set = new LineSet();
        using Stream file = File.OpenRead(path);
        using var text = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        while (text.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#' && !line.StartsWith("CREATE ", StringComparison.Ordinal))
            {
                set.Add(line);
            }
        }
        return set;
    }

    /// <summary>A value that only one of both has, or that differs; null where both hold the same.</summary>
    public string? FirstDifference(LineSet other)
    {
        foreach (var (key, value) in _values)
        {
            if (!other._values.TryGetValue(key, out string? theirs))
            {
                return $"{key.Series} {key.Field}={value} {key.Time} is only in the one";
            }
            if (theirs != value)
            {
                return $"{key.Series} {key.Field} at {key.Time} is {value} and {theirs}";
            }
        }
        var extra = other._values.Keys.Where(key => !_values.ContainsKey(key)).Take(1).ToList();
        return extra is [var first] ? $"{first.Series} {first.Field} at {first.Time} is only in the other" : null;
    }

    private void Add(string line)
    {
        Lines++;
        int seriesEnd = End(line, 0, ' ');
        int timeStart = line.LastIndexOf(' ');
        for (int at = seriesEnd + 1; at < timeStart;)
        {
            int nameEnd = End(line, at, '=');
            int valueEnd = Math.Min(timeStart, End(line, nameEnd, ','));
            var key = (line[..seriesEnd], line[at..nameEnd], line[(timeStart + 1)..]);
            string value = line[(nameEnd + 1)..valueEnd];
            if (!_values.TryAdd(key, value))
            {
                Replaced++;
                _values[key] = value;
            }
            at = valueEnd + 1;
        }
    }

    /// <summary>Where the character stands next, neither escaped nor between quotes; the line's length where it does not.</summary>
    private static int End(string line, int start, char end)
    {
        bool quoted = false;
        for (int i = start; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                i++;
            }
            else if (line[i] == '"')
            {
                quoted = !quoted;
            }
            else if (line[i] == end && !quoted)
            {
                return i;
            }
        }
        return line.Length;
    }
}
