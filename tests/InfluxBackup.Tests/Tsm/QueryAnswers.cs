using System.Globalization;
using System.Text.Json;

namespace InfluxBackup.Tests.Tsm;

/// <summary>What a real server answered, held against points that were read from its files.</summary>
internal static class QueryAnswers
{
    /// <summary>Asserts that each point that the server answered is stored, and none beside them.</summary>
    /// <param name="queries">The answers, a <c>queries.json</c>.</param>
    /// <param name="stored">Points by database and policy, as in <c>db/rp</c>.</param>
    /// <param name="withDeletes">Whether the database of deletes is compared too.</param>
    /// <param name="leftOut">Measurements that the answers have and the points need not have.</param>
    /// <returns>How many measurements and values were compared.</returns>
    public static (int Measurements, int Values) AssertSame(string queries, IReadOnlyDictionary<string, StoredPoints> stored, bool withDeletes, params string[] leftOut)
    {
        var (points, tagKeys) = Flatten(stored);
        using var answers = JsonDocument.Parse(File.ReadAllBytes(queries));
        var (measurements, compared) = (0, 0);
        foreach (var query in answers.RootElement.GetProperty("queries").EnumerateArray())
        {
            var (database, policy) = (query.GetProperty("db").GetString()!, query.GetProperty("rp").GetString()!);
            if (!query.GetProperty("q").GetString()!.StartsWith("SELECT", StringComparison.Ordinal) || (database == "deletes" && !withDeletes))
            {
                continue;
            }
            // Where everything is deleted there are no series.
            if (!query.GetProperty("answer").GetProperty("results")[0].TryGetProperty("series", out var all))
            {
                continue;
            }
            foreach (var series in all.EnumerateArray())
            {
                // The measurement with a backslash before a quote has no certain answer.
                var measurement = series.GetProperty("name").GetString()!;
                if (measurement != "back\"quote" && !leftOut.Contains(measurement))
                {
                    measurements++;
                    compared += Compare(series, $"{database}/{policy}/{measurement}", points, tagKeys);
                }
            }
        }
        Assert.DoesNotContain(points.Keys, k => (withDeletes || !k.StartsWith("deletes/", StringComparison.Ordinal)) && !k.Contains("back\\\"quote|", StringComparison.Ordinal));
        return (measurements, compared);
    }

    private static int Compare(JsonElement series, string scope, Dictionary<string, object> points, HashSet<string> tagKeys)
    {
        var compared = 0;
        var columns = series.GetProperty("columns").EnumerateArray().Select(c => c.GetString()!).ToArray();
        foreach (var row in series.GetProperty("values").EnumerateArray())
        {
            var cells = row.EnumerateArray().Select((cell, i) => (Column: columns[i], Cell: cell)).Skip(1).Where(c => c.Cell.ValueKind != JsonValueKind.Null).ToList();
            var tags = cells.Where(c => tagKeys.Contains($"{scope}/{c.Column}")).Select(c => $"{c.Column}={c.Cell.GetString()}").Order(StringComparer.Ordinal);
            var point = $"{scope}|{string.Join(',', tags)}|{row[0].GetInt64()}";
            foreach (var (column, cell) in cells.Where(c => !tagKeys.Contains($"{scope}/{c.Column}")))
            {
                Assert.True(points.Remove($"{point}|{column}", out var value), $"not stored: {point} {column} {cell}");
                AssertSame(cell, value, $"{point} {column}");
                compared++;
            }
        }
        return compared;
    }

    private static void AssertSame(JsonElement answer, object? value, string where)
    {
        var same = value switch
        {
            double d => BitConverter.DoubleToInt64Bits(double.Parse(answer.GetRawText(), CultureInfo.InvariantCulture)) == BitConverter.DoubleToInt64Bits(d),
            long n => answer.GetRawText() == n.ToString(CultureInfo.InvariantCulture),
            bool b => answer.GetBoolean() == b,
            string s => answer.GetString() == s,
            _ => false,
        };
        Assert.True(same, $"{where}: stored {value}, answered {answer.GetRawText()}");
    }

    /// <summary>The points by policy, measurement, tags, time and field, and the tag keys of each measurement.</summary>
    private static (Dictionary<string, object> Points, HashSet<string> TagKeys) Flatten(IReadOnlyDictionary<string, StoredPoints> stored)
    {
        var all = new Dictionary<string, object>();
        var tagKeys = new HashSet<string>();
        foreach (var (policy, points) in stored)
        {
            foreach (var ((key, time), value) in points.Points)
            {
                var (series, field) = key.Split("#!~#", 2) is [var s, var f] ? (s, f) : throw new FormatException(key);
                var parts = SplitSeries(series);
                var tags = parts.Skip(1).Select(SplitTag).ToList();
                tagKeys.UnionWith(tags.Select(t => $"{policy}/{parts[0]}/{t.Key}"));
                all[$"{policy}/{parts[0]}|{string.Join(',', tags.Select(t => $"{t.Key}={t.Value}").Order(StringComparer.Ordinal))}|{time}|{field}"] = value;
            }
        }
        return (all, tagKeys);
    }

    /// <summary>Splits an escaped series key at bare commas; the measurement is unescaped, tags are not.</summary>
    private static List<string> SplitSeries(string series)
    {
        var parts = SplitBare(series, ',');
        parts[0] = Unescape(parts[0], ", ");
        return parts;
    }

    private static (string Key, string Value) SplitTag(string tag)
    {
        var parts = SplitBare(tag, '=');
        return (Unescape(parts[0], ",= "), Unescape(string.Join('=', parts.Skip(1)), ",= "));
    }

    private static List<string> SplitBare(string text, char separator)
    {
        var parts = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == separator)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }
        parts.Add(text[start..]);
        return parts;
    }

    private static string Unescape(string text, string escaped) =>
        escaped.Aggregate(text, (t, c) => t.Replace($"\\{c}", $"{c}", StringComparison.Ordinal));
}
