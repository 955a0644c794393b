using System.Text.Json;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>A series and where it lives; the tags as JSON, sorted, so that equal tags are equal text.</summary>
public sealed record SeriesKey(string Database, string Policy, string Measurement, string Tags)
{
    public override string ToString() => $"{Database}.{Policy}.{Measurement} {Tags}";
}

/// <summary>A field and its type as one policy has it.</summary>
public sealed record FieldKey(string Database, string Policy, string Measurement, string Field, string Type)
{
    public override string ToString() => $"{Database}.{Policy}.{Measurement} {Field}: {Type}";
}

/// <summary>A retention policy with its durations in the server's words.</summary>
public sealed record PolicyFacts(string Database, string Policy, string Duration, string ShardDuration, bool IsDefault)
{
    public override string ToString() => $"{Database}.{Policy} {Duration}, shards of {ShardDuration}{(IsDefault ? ", default" : "")}";
}

/// <summary>
/// Everything that a server answers about its points, read with plain queries: every point of every series of every policy,
/// the fields' types, the policies. What two servers hold is equal when there are no <see cref="DifferencesFrom"/>.
/// </summary>
public sealed class PointSnapshot
{
    /// <summary>Of each series its points, each one as <c>time field=value,…</c>, in the order of the text.</summary>
    public required IReadOnlyDictionary<SeriesKey, IReadOnlyList<string>> Series { get; init; }

    /// <summary>Types of the fields that have a value; a server remembers fields whose points were deleted, too.</summary>
    public required IReadOnlySet<FieldKey> Fields { get; init; }

    public required IReadOnlySet<PolicyFacts> Policies { get; init; }

    public required IReadOnlySet<string> Databases { get; init; }

    public int PointCount => Series.Values.Sum(points => points.Count);

    /// <summary>Reads all databases but <c>_internal</c>, which never stands still.</summary>
    public static async Task<PointSnapshot> ReadAsync(InfluxHttp http, CancellationToken cancel = default)
    {
        var names = await http.QueryColumnAsync("SHOW DATABASES", cancel: cancel);
        return await ReadAsync(http, names.Where(name => name != "_internal"), cancel);
    }

    public static Task<PointSnapshot> ReadAsync(InfluxHttp http, IEnumerable<string> databases, CancellationToken cancel = default) =>
        new PointSnapshotReader(http).ReadAsync(databases, cancel);

    /// <summary>Only this database, or only this policy of it.</summary>
    public PointSnapshot Of(string database, string? policy = null)
    {
        bool Chosen(string db, string rp) => db == database && (policy is null || rp == policy);
        return new PointSnapshot
        {
            Series = Series.Where(s => Chosen(s.Key.Database, s.Key.Policy)).ToDictionary(),
            Fields = Fields.Where(f => Chosen(f.Database, f.Policy)).ToHashSet(),
            Policies = Policies.Where(p => Chosen(p.Database, p.Policy)).ToHashSet(),
            Databases = Databases.Where(name => name == database).ToHashSet(),
        };
    }

    /// <summary>The same points under another database's name, or a policy's points under another policy's name.</summary>
    public PointSnapshot Renamed(string database, string newDatabase, string? policy = null, string? newPolicy = null)
    {
        string Database(string db) => db == database ? newDatabase : db;
        string Policy(string db, string rp) => db == database && rp == policy ? newPolicy ?? rp : rp;
        return new PointSnapshot
        {
            Series = Series.ToDictionary(
                s => s.Key with { Database = Database(s.Key.Database), Policy = Policy(s.Key.Database, s.Key.Policy) }, s => s.Value),
            Fields = Fields.Select(f => f with { Database = Database(f.Database), Policy = Policy(f.Database, f.Policy) }).ToHashSet(),
            Policies = Policies.Select(p => p with { Database = Database(p.Database), Policy = Policy(p.Database, p.Policy) }).ToHashSet(),
            Databases = Databases.Select(Database).ToHashSet(),
        };
    }

    /// <summary>The first differences in words; none means equal. Points come first, they matter most.</summary>
    public IReadOnlyList<string> DifferencesFrom(PointSnapshot expected, int limit = 20) =>
        [.. SeriesDifferences(expected)
            .Concat(SetDifferences("database", expected.Databases, Databases))
            .Concat(SetDifferences("policy", expected.Policies, Policies))
            .Concat(SetDifferences("field", expected.Fields, Fields))
            .Take(limit)];

    /// <summary>
    /// All differences of a server from this, once it holds all of this; or what it lacks after some seconds. For the
    /// official restore, which ends before the server has taken in what it sent: until then shards are empty or disabled.
    /// </summary>
    public async Task<IReadOnlyList<string>> WaitForDifferencesAsync(InfluxHttp server, CancellationToken cancel = default)
    {
        const int attempts = 20;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var differences = (await ReadAsync(server, cancel)).DifferencesFrom(this, limit: int.MaxValue);
                if (attempt == attempts || !differences.Any(difference => difference.StartsWith("missing", StringComparison.Ordinal)))
                {
                    return differences;
                }
            }
            catch (InfluxHttpException busy) when (attempt < attempts && busy.IsShardBusy)
            {
                // Ask again.
            }
            await Task.Delay(500, cancel);
        }
    }

    private IEnumerable<string> SeriesDifferences(PointSnapshot expected)
    {
        foreach (var key in expected.Series.Keys.Union(Series.Keys).OrderBy(key => key.ToString(), StringComparer.Ordinal))
        {
            var before = expected.Series.GetValueOrDefault(key, []);
            var after = Series.GetValueOrDefault(key, []);
            if (after.Count == 0 || before.Count == 0)
            {
                yield return $"{(after.Count == 0 ? "missing" : "unexpected")} series {key}, {before.Count + after.Count} points";
                continue;
            }
            foreach (string point in Without(before, after))
            {
                yield return $"missing point {key} {point}";
            }
            foreach (string point in Without(after, before))
            {
                yield return $"unexpected point {key} {point}";
            }
        }
    }

    /// <summary>A bag's difference: a series may hold the same row more than once.</summary>
    private static IEnumerable<string> Without(IReadOnlyList<string> points, IReadOnlyList<string> others)
    {
        var left = others.CountBy(point => point).ToDictionary();
        foreach (string point in points)
        {
            if (left.GetValueOrDefault(point) == 0)
            {
                yield return point;
            }
            else
            {
                left[point]--;
            }
        }
    }

    private static IEnumerable<string> SetDifferences<T>(string what, IReadOnlySet<T> expected, IReadOnlySet<T> actual) =>
        expected.Except(actual).Select(item => $"missing {what} {item}")
            .Concat(actual.Except(expected).Select(item => $"unexpected {what} {item}"))
            .Order(StringComparer.Ordinal);

    internal static string TagText(IReadOnlyDictionary<string, string> tags) =>
        // Grouping by all tags of a measurement gives a series an empty value for each tag that it does not have.
        JsonSerializer.Serialize(
            new SortedDictionary<string, string>(tags.Where(tag => tag.Value.Length > 0).ToDictionary(), StringComparer.Ordinal),
            ReadableJson);

    private static readonly JsonSerializerOptions ReadableJson = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
