using System.Text.Json;
using InfluxBackup.Http;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests;

/// <summary>Sets that servers of several versions wrote, restored to a real server: it then answers what they answered.</summary>
public sealed class GoldenSetRestoreTests
{
    /// <summary>All databases of the set; the shards of <c>deletes</c> have pending deletes.</summary>
    private static readonly string[] Databases = ["golden", "dotted.db-1 größe", "deletes", "odd", "empty", "noshards"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData("1.6.7-inmem", SeriesIndex.InMem)]
    [InlineData("1.6.7-tsi1", SeriesIndex.Tsi1)]
    [InlineData("1.11.8-tsi1", SeriesIndex.InMem)]
    [InlineData("1.11.8-tsi1", SeriesIndex.Tsi1)]
    public async Task A_restored_server_answers_what_the_original_answered(string set, SeriesIndex index)
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        var result = await Engine.RestoreAsync(Engine.RestoreOptions(server, Set(set)));

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(Databases.Order(), result.Databases.Order());
        Assert.True(result.DeletesApplied > 0);
        var compared = new List<string>();
        foreach (var query in Queries(set).Where(IsComparable))
        {
            using var actual = JsonDocument.Parse(await server.Http.QueryBytesAsync(query.Text, query.Database, Cancel));
            Assert.Equal(Normalise(query.Answer), Normalise(actual.RootElement));
            compared.Add(query.Database);
        }

        Assert.True(compared.Count > 50, $"only {compared.Count} queries were compared");
        Assert.Contains("deletes", compared);
    }

    [RealServerFact]
    public async Task Continuous_queries_and_grants_come_back_over_http_and_users_are_named()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.ExecuteAsync("CREATE USER \"reader\" WITH PASSWORD 'new'", cancel: Cancel);
        var options = Engine.RestoreOptions(server, Set("1.6.7-inmem")) with { Selection = new ShardSelection { Databases = ["golden"] }, NewDatabase = "golden two" };

        var without = await Engine.RestoreAsync(options with { NewDatabase = "without" });
        var result = await Engine.RestoreAsync(options with { Server = Engine.Access(server, withHttp: true) });

        Assert.Equal(2, without.Objects.Count(o => o.Kind == RestoredObjectKind.ContinuousQuery && !o.IsRestored));
        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.All(result.Objects.Where(o => o.Kind == RestoredObjectKind.ContinuousQuery), o => Assert.True(o.IsRestored, o.Reason));
        Assert.True(Assert.Single(result.Objects, o => o is { Kind: RestoredObjectKind.Grant, Name: "reader" }).IsRestored);
        Assert.Contains(result.Objects, o => o is { Kind: RestoredObjectKind.User, Name: "writer", IsRestored: false });
        Assert.Contains(result.Objects, o => o is { Kind: RestoredObjectKind.User, Name: "root", IsRestored: false });

        var queries = (await server.Http.QueryAsync("SHOW CONTINUOUS QUERIES", cancel: Cancel)).Single(s => s.Name == "golden two").Column("query").ToList();
        Assert.Equal(2, queries.Count);
        Assert.All(queries, q => Assert.Contains("ON \"golden two\"", q, StringComparison.Ordinal));
        Assert.All(queries, q => Assert.DoesNotContain("golden.", q, StringComparison.Ordinal));
        Assert.Contains(queries, q => q.Contains("\"golden two\".rp_1h.:MEASUREMENT FROM \"golden two\".rp_1d./.*/ WHERE t = 'it\\'s'", StringComparison.Ordinal));
        var grants = await server.Http.QueryAsync("SHOW GRANTS FOR \"reader\"", cancel: Cancel);
        Assert.Equal(["golden two"], grants.Single().Column("database"));
    }

    [RealServerFact]
    public async Task A_login_that_is_refused_is_said_before_anything_is_changed()
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Authentication = true }, Cancel);
        var access = Engine.Access(server, withHttp: true);
        var options = Engine.RestoreOptions(server, Set("1.6.7-inmem")) with { Selection = new ShardSelection { Databases = ["golden"] } };

        var wrong = new InfluxHttpOptions { Uri = server.HttpAddress, Credential = new InfluxCredential("admin", "s3cret-wrong") };
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(options with { Server = access with { Http = wrong } }));
        var right = new InfluxHttpOptions { Uri = server.HttpAddress, Credential = new InfluxCredential("admin", "pass \"word\"") };
        var result = await Engine.RestoreAsync(options with { Server = access with { Http = right } });

        Assert.Equal("LoginRefused", error.Id);
        Assert.DoesNotContain("s3cret-wrong", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(Outcome.Complete, result.Outcome);
    }

    private static string Set(string name) => Path.Combine(AppContext.BaseDirectory, "Data", name, "portable");

    /// <summary>
    /// What the answers depend on besides the data is left out: shard ids, users, continuous queries and grants, which series a kind
    /// of index lists, and the measurement whose name changes when the server builds its index from TSM files.
    /// </summary>
    private static bool IsComparable((string Database, string Text, JsonElement Answer) query) =>
        Databases.Contains(query.Database)
        && !query.Text.StartsWith("SHOW SERIES", StringComparison.Ordinal)
        && !(query.Database == "odd" && (query.Text.StartsWith("SHOW", StringComparison.Ordinal) || query.Text.Contains("back", StringComparison.Ordinal)));

    private static List<(string Database, string Text, JsonElement Answer)> Queries(string set)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(Set(set))!, "queries.json")));
        return document.RootElement.GetProperty("queries").EnumerateArray()
            .Select(q => (q.GetProperty("db").GetString()!, q.GetProperty("q").GetString()!, q.GetProperty("answer").Clone()))
            .ToList();
    }

    /// <summary>Series with their rows in a fixed order, numbers as they are written.</summary>
    private static List<string> Normalise(JsonElement answer) =>
        answer.GetProperty("results").EnumerateArray()
            .SelectMany(r => r.TryGetProperty("series", out var series) ? series.EnumerateArray() : Enumerable.Empty<JsonElement>())
            .SelectMany(s => s.TryGetProperty("values", out var values)
                ? values.EnumerateArray().Select(v => $"{(s.TryGetProperty("name", out var name) ? name.GetString() : "")} {v.GetRawText()}")
                : [])
            .Order(StringComparer.Ordinal)
            .ToList();
}
