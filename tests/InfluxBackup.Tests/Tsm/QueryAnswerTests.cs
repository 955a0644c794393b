using System.Globalization;
using System.Text;
using System.Text.Json;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>The points that we read are those that the server answered with.</summary>
public class QueryAnswerTests
{
    [Theory]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.6.7-tsi1")]
    [InlineData("1.11.8-tsi1")]
    public void Points_are_what_the_server_answered(string set)
    {
        var (stored, tagKeys) = ReadPoints(Path.Combine(GoldenFiles.Root, set, "portable"));
        using var answers = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(GoldenFiles.Root, set, "queries.json")));
        var compared = 0;
        var measurements = 0;
        foreach (var query in answers.RootElement.GetProperty("queries").EnumerateArray())
        {
            var (database, policy) = (query.GetProperty("db").GetString()!, query.GetProperty("rp").GetString()!);
            // Deletes are not in a portable backup; the measurement with a backslash before a quote has no certain answer.
            if (!query.GetProperty("q").GetString()!.StartsWith("SELECT", StringComparison.Ordinal) || database == "deletes")
            {
                continue;
            }
            foreach (var series in query.GetProperty("answer").GetProperty("results")[0].GetProperty("series").EnumerateArray())
            {
                var measurement = series.GetProperty("name").GetString()!;
                if (measurement == "back\"quote")
                {
                    continue;
                }
                measurements++;
                var columns = series.GetProperty("columns").EnumerateArray().Select(c => c.GetString()!).ToArray();
                var scope = $"{database}/{policy}/{measurement}";
                foreach (var row in series.GetProperty("values").EnumerateArray())
                {
                    var cells = row.EnumerateArray().Select((cell, i) => (Column: columns[i], Cell: cell)).Skip(1).Where(c => c.Cell.ValueKind != JsonValueKind.Null).ToList();
                    var tags = cells.Where(c => tagKeys.Contains($"{scope}/{c.Column}")).Select(c => $"{c.Column}={c.Cell.GetString()}").Order(StringComparer.Ordinal);
                    var point = $"{scope}|{string.Join(',', tags)}|{row[0].GetInt64()}";
                    foreach (var (column, cell) in cells.Where(c => !tagKeys.Contains($"{scope}/{c.Column}")))
                    {
                        Assert.True(stored.Remove($"{point}|{column}", out var value), $"not stored: {point} {column} {cell}");
                        AssertSame(cell, value, $"{point} {column}");
                        compared++;
                    }
                }
            }
        }
        // Nothing is left over that the server did not answer.
        Assert.DoesNotContain(stored.Keys, k => !k.StartsWith("deletes/", StringComparison.Ordinal) && !k.Contains("back\\\"quote|", StringComparison.Ordinal));
        Assert.True(measurements > 25 && compared > 8000, $"{measurements} measurements, {compared} values");
    }

    private static void AssertSame(JsonElement answer, object? value, string where)
    {
        var same = value switch
        {
            double d => BitConverter.DoubleToInt64Bits(double.Parse(answer.GetRawText(), CultureInfo.InvariantCulture)) == BitConverter.DoubleToInt64Bits(d),
            long n => answer.GetRawText() == n.ToString(CultureInfo.InvariantCulture),
            bool b => answer.GetBoolean() == b,
            // The server answers bytes that are not UTF-8 with replacement characters, as does the decoder here.
            byte[] s => answer.GetString() == Encoding.UTF8.GetString(s),
            _ => false,
        };
        Assert.True(same, $"{where}: stored {value}, answered {answer.GetRawText()}");
    }

    /// <summary>All points of a backup, later files over earlier ones, by policy, measurement, tags, time and field.</summary>
    private static (Dictionary<string, object> Points, HashSet<string> TagKeys) ReadPoints(string folder)
    {
        var all = new Dictionary<string, object>();
        var tagKeys = new HashSet<string>();
        using var points = new TsmPoints();
        foreach (var (name, bytes) in Directory.GetFiles(folder, "*.tar.gz").SelectMany(GoldenFiles.Unpack)
            .Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal)).OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            using var file = TsmFile.FromMemory(bytes, name);
            using var index = file.ReadIndex();
            var policy = string.Join('/', name.Split('/')[..2]);
            while (index.ReadKey())
            {
                Assert.True(TsmKey.TrySplit(index.Key, out var series, out var field));
                var parts = SplitSeries(Encoding.UTF8.GetString(series));
                var tags = parts.Skip(1).Select(SplitTag).ToList();
                tagKeys.UnionWith(tags.Select(t => $"{policy}/{parts[0]}/{t.Key}"));
                var prefix = $"{policy}/{parts[0]}|{string.Join(',', tags.Select(t => $"{t.Key}={t.Value}").Order(StringComparer.Ordinal))}";
                while (index.ReadEntry(out var entry))
                {
                    var block = new byte[entry.BlockSize];
                    file.Read(entry.BlockOffset, block);
                    points.Decode(block);
                    for (var i = 0; i < points.Count; i++)
                    {
                        all[$"{prefix}|{points.Times[i]}|{Encoding.UTF8.GetString(field)}"] = points.Type switch
                        {
                            TsmBlockType.Float => points.Floats[i],
                            TsmBlockType.Integer => points.Integers[i],
                            TsmBlockType.Boolean => points.Booleans[i],
                            _ => points.String(i).ToArray(),
                        };
                    }
                }
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
