using System.Globalization;
using System.Text;
using InfluxBackup.Tests.LineProtocol;
using InfluxBackup.Tests.Tsm;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>What <c>influx_inspect export</c> wrote of a golden server.</summary>
internal static class GoldenExport
{
    /// <summary>
    /// Its values, of several at one time the last, as they are when somebody imports it. Without the series that line protocol has no
    /// form for (it has line feeds in its names and is broken there), and without what deletes in the WAL take away, of which that tool
    /// does not know.
    /// </summary>
    public static string[] Values(string set)
    {
        var text = Encoding.Latin1.GetString(Exports.ReadFile(Path.Combine(TestData.Directory, set, "export.lp.gz")));
        var newest = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in PointLine.Parse(WithoutBrokenLines(text)))
        {
            foreach (var (name, value) in line.Fields)
            {
                newest[$"{line.Context}|{line.Series}|{name}|{line.Time}"] = value;
            }
        }
        return [.. newest.Where(v => !IsDeletedInWal(v.Key)).Select(v => $"{v.Key}|{v.Value}").Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether a value, as text, is of a measurement with deletes in the WAL.</summary>
    public static bool IsDeletedInWal(string value) =>
        value.StartsWith("deletes/autogen|walpart,", StringComparison.Ordinal) || value.StartsWith("deletes/autogen|walgone", StringComparison.Ordinal);

    /// <summary>The points of an export, in the form in which a server's answers are held against them.</summary>
    public static Dictionary<string, StoredPoints> Stored(IEnumerable<PointLine> lines)
    {
        var all = new Dictionary<string, StoredPoints>();
        foreach (var line in lines)
        {
            var context = Decode(line.Context);
            all.TryAdd(context, new StoredPoints());
            foreach (var (name, value) in line.Fields)
            {
                all[context].Points.Add(($"{Decode(line.Series)}#!~#{Decode(name)}", line.Time), Value(value));
            }
        }
        return all;
    }

    private static object Value(string text) => text[^1] switch
    {
        '"' => Decode(text[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal)),
        'i' => long.Parse(text[..^1], CultureInfo.InvariantCulture),
        'u' => ulong.Parse(text[..^1], CultureInfo.InvariantCulture),
        'e' => text == "true",
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static string Decode(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));

    private static string WithoutBrokenLines(string text)
    {
        var whole = new StringBuilder(text.Length);
        foreach (var line in text.Split('\n'))
        {
            if (line != "line" && line != "feed,t=x two" && !line.StartsWith("lines=", StringComparison.Ordinal))
            {
                whole.Append(line).Append('\n');
            }
        }
        whole.Length--;
        return whole.ToString();
    }
}
