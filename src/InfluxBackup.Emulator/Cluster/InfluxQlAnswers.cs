using System.Globalization;
using System.Text.RegularExpressions;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>Answers the few statements of InfluxQL that tools for backups use, and refuses all others.</summary>
internal sealed partial class InfluxQlAnswers(ClusterMembership cluster, ShardStore shards, bool inNanoseconds)
{
    private const string Name = """(?:"(?:[^"\\]|\\.)*"|\w+)""";

    /// <summary>What stands in <c>results</c> for one statement.</summary>
    /// <exception cref="FormatException">The statement is not known here.</exception>
    public Dictionary<string, object> Answer(string statement, int id)
    {
        var answer = new Dictionary<string, object> { ["statement_id"] = id };
        try
        {
            var series = Series(statement.Trim());
            if (series.Count > 0)
            {
                answer["series"] = series;
            }
        }
        catch (KeyNotFoundException e)
        {
            answer["error"] = e.Message;
        }

        return answer;
    }

    /// <summary>The statements of a query, which semicolons outside of quotes separate.</summary>
    public static IEnumerable<string> Statements(string query) =>
        Statement().Matches(query).Select(m => m.Value).Where(s => !string.IsNullOrWhiteSpace(s));

    private List<object> Series(string statement)
    {
        if (statement.Equals("SHOW USERS", StringComparison.OrdinalIgnoreCase))
        {
            return [Table(null, null, ["user", "admin"], [.. cluster.Metadata.Read().Users.Select(u => new object[] { u.Name, u.Admin })])];
        }

        if (statement.StartsWith("SHOW DIAGNOSTICS FOR 'config-ae'", StringComparison.OrdinalIgnoreCase))
        {
            return [Table("config-ae", null, ["enabled"], [[cluster.Cluster.AntiEntropy]])];
        }

        if (statement.StartsWith("SHOW STATS FOR 'tsm1_filestore'", StringComparison.OrdinalIgnoreCase))
        {
            return [.. shards.All().Select(FileStore)];
        }

        if (FieldKeys().Match(statement) is { Success: true } keys)
        {
            return FieldKeys(Plain(keys.Groups["db"].Value), Plain(keys.Groups["rp"].Value));
        }

        return Select().Match(statement) is { Success: true } select ? Select(select) : throw new FormatException($"error parsing query: '{statement}' is not emulated");
    }

    private object FileStore(ShardKey shard)
    {
        var (size, _, files) = shards.Measure(shard);
        var tags = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["database"] = shard.Database, ["engine"] = "tsm1", ["id"] = shard.Id.ToString(CultureInfo.InvariantCulture), ["indexType"] = "inmem",
            ["path"] = shards.DirectoryOf(shard), ["retentionPolicy"] = shard.RetentionPolicy,
        };
        return Table("tsm1_filestore", tags, ["diskBytes", "numFiles"], [[size, files]]);
    }

    private List<object> FieldKeys(string database, string policy)
    {
        var fields = Points(database, policy).Select(p => (SeriesName.Parse(p.Key.Series).Measurement, p.Key.Field, Type: TypeName(p.Value))).Distinct();
        return [.. fields.GroupBy(f => f.Measurement).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Table(
            g.Key, null, ["fieldKey", "fieldType"], [.. g.OrderBy(f => f.Field, StringComparer.Ordinal).Select(f => new object[] { f.Field, f.Type })]))];
    }

    private List<object> Select(Match select)
    {
        var (measurement, field) = (Plain(select.Groups["m"].Value), Plain(select.Groups["field"].Value));
        var times = TimeCondition().Matches(select.Groups["where"].Value).Select(m => (Operator: m.Groups[1].Value, Time: long.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture))).ToList();
        var tags = TagCondition().Matches(select.Groups["where"].Value).Select(m => (Key: Plain(m.Groups[1].Value), Value: Text(m.Groups[2].Value))).ToList();
        var all = Points(Plain(select.Groups["db"].Value), Plain(select.Groups["rp"].Value)).Select(p => (Series: SeriesName.Parse(p.Key.Series), p.Key.Field, p.Key.Time, p.Value)).ToList();
        var keys = all.Where(p => p.Series.Measurement == measurement).SelectMany(p => p.Series.Tags.Keys).Distinct().Order(StringComparer.Ordinal).ToList();
        var found = all
            .Where(p => p.Series.Measurement == measurement && p.Field == field && times.TrueForAll(t => Holds(p.Time, t.Operator, t.Time)))
            .Where(p => tags.TrueForAll(t => p.Series.Tags.GetValueOrDefault(t.Key, "") == t.Value))
            .OrderBy(p => p.Time).Select(p => (Tags: keys.ToDictionary(k => k, k => p.Series.Tags.GetValueOrDefault(k, "")), p.Time, p.Value)).ToList();
        var groups = select.Groups["group"].Success ? found.GroupBy(p => string.Join('\0', p.Tags.Values)) : found.GroupBy(_ => "");
        var limit = select.Groups["limit"].Success ? int.Parse(select.Groups["limit"].Value, CultureInfo.InvariantCulture) : int.MaxValue;
        return [.. groups.OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Table(
            measurement, select.Groups["group"].Success && keys.Count > 0 ? g.First().Tags : null, ["time", field],
            [.. g.Take(limit).Select(p => new[] { inNanoseconds ? p.Time : GoTime.Format(p.Time), p.Value })]))];
    }

    private IEnumerable<KeyValuePair<(string RetentionPolicy, string Series, string Field, long Time), object>> Points(string database, string policy)
    {
        if (!cluster.Metadata.Read().Databases.Any(d => d.Name == database))
        {
            throw new KeyNotFoundException($"database not found: {database}");
        }

        return cluster.Cluster.ReadPoints(database).Where(p => p.Key.RetentionPolicy == policy);
    }

    public static string TypeName(object value) => value switch
    {
        double => "float",
        long => "integer",
        ulong => "unsigned",
        bool => "boolean",
        _ => "string",
    };

    private static Dictionary<string, object> Table(string? name, IReadOnlyDictionary<string, string>? tags, string[] columns, object[][] values)
    {
        var table = new Dictionary<string, object>();
        if (name is not null)
        {
            table["name"] = name;
        }

        if (tags is not null)
        {
            table["tags"] = tags;
        }

        table["columns"] = columns;
        if (values.Length > 0)
        {
            table["values"] = values;
        }

        return table;
    }

    private static bool Holds(long time, string comparison, long limit) => comparison switch
    {
        ">=" => time >= limit,
        "<=" => time <= limit,
        ">" => time > limit,
        "<" => time < limit,
        _ => time == limit,
    };

    private static string Plain(string name) => name is ['"', .. var quoted, '"'] ? Unescape(quoted) : name;

    private static string Text(string text) => Unescape(text[1..^1]);

    private static string Unescape(string text) => Escape().Replace(text, m => m.Groups[1].Value is "n" ? "\n" : m.Groups[1].Value);

    [GeneratedRegex("""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^;"'])+""", RegexOptions.Singleline)]
    private static partial Regex Statement();

    [GeneratedRegex($"^SHOW FIELD KEYS ON (?<db>{Name}) FROM (?<rp>{Name})\\./\\.\\*/$", RegexOptions.Singleline)]
    private static partial Regex FieldKeys();

    [GeneratedRegex(
        $"^SELECT (?<field>{Name})(?:::field)? FROM (?<db>{Name})\\.(?<rp>{Name})\\.(?<m>{Name}) WHERE (?<where>.*?)(?<group> GROUP BY \\*)?(?: LIMIT (?<limit>\\d+))?$",
        RegexOptions.Singleline)]
    private static partial Regex Select();

    [GeneratedRegex("""\btime (>=|<=|=|<|>) (-?\d+)""")]
    private static partial Regex TimeCondition();

    [GeneratedRegex($$"""({{Name}})::tag = ('(?:[^'\\]|\\.)*')""", RegexOptions.Singleline)]
    private static partial Regex TagCondition();

    [GeneratedRegex("""\\(.)""", RegexOptions.Singleline)]
    private static partial Regex Escape();
}
