using System.Globalization;

namespace InfluxBackup.Emulator;

/// <summary>Points of line protocol: <c>series field=value,field=value time</c>, one in a line. Strings with line feeds in them are not understood.</summary>
internal static class LineProtocolWrite
{
    /// <summary>Reads all lines.</summary>
    /// <param name="text">The lines.</param>
    /// <param name="unit">Nanoseconds that times are counted in.</param>
    /// <exception cref="FormatException">A line is none; the text is the server's.</exception>
    public static List<EmulatedPoint> Parse(string text, long unit) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith('#')).SelectMany(line => ParseLine(line, unit))];

    private static IEnumerable<EmulatedPoint> ParseLine(string line, long unit)
    {
        var parts = SeriesName.Split(line, ' ', mindsQuotes: true);
        if (parts.Count < 2)
        {
            throw new FormatException($"unable to parse '{line}': missing fields");
        }

        var time = parts.Count > 2 ? long.Parse(parts[2], CultureInfo.InvariantCulture) * unit : GoTime.Now;
        foreach (var field in SeriesName.Split(parts[1], ',', mindsQuotes: true))
        {
            var pair = SeriesName.Split(field, '=', mindsQuotes: true);
            if (pair.Count < 2)
            {
                throw new FormatException($"unable to parse '{line}': invalid field format");
            }

            yield return new EmulatedPoint(Sorted(parts[0]), SeriesName.Unescape(pair[0]), time, Value(string.Join('=', pair.Skip(1)), line));
        }
    }

    private static string Sorted(string series)
    {
        var parts = SeriesName.Split(series, ',');
        return string.Join(',', parts.Take(1).Concat(parts.Skip(1).OrderBy(t => SeriesName.Split(t, '=')[0], StringComparer.Ordinal)));
    }

    private static object Value(string text, string line)
    {
        if (text is ['"', .., '"'])
        {
            return text[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
        }

        return text switch
        {
            "t" or "T" or "true" or "True" or "TRUE" => true,
            "f" or "F" or "false" or "False" or "FALSE" => false,
            [.. var number, 'i'] when long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer) => integer,
            [.. var number, 'u'] when ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var unsigned) => unsigned,
            _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
            _ => throw new FormatException($"unable to parse '{line}': invalid number"),
        };
    }
}
