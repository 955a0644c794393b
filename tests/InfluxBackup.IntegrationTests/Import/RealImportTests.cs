using System.Globalization;
using System.Text.Json;
using InfluxBackup.Http;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Import;

/// <summary>Into a real server: exports of several versions, and what it refuses.</summary>
public sealed class RealImportTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData("1.4.3-inmem")]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.11.8-tsi1")]
    public async Task An_imported_export_answers_what_the_original_answered(string set)
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);

        var result = await Imports.RunAsync(Imports.Options(server.HttpAddress) with { RejectPath = directory["rejected.lp"], BatchLines = 500 }, Golden(set, "export.lp.gz", directory));

        // Names with line feeds in them can't be written as line protocol; nor can one that begins with a hash.
        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(9, result.Rejected);
        Assert.Contains("'#'", Assert.Single(result.Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(result.Statements, s => s.Outcome == StatementOutcome.Failed);
        var compared = 0;
        foreach (var (database, query, expected) in Queries(set))
        {
            using var actual = JsonDocument.Parse(await server.Http.QueryBytesAsync(query, database, Cancel));
            Assert.Equal((query, string.Join('\n', Rows(expected))), (query, string.Join('\n', Rows(actual.RootElement))));
            compared++;
        }

        Assert.Equal(28, compared);
    }

    [RealServerFact]
    public async Task The_official_importer_writes_the_same_points_but_for_line_feeds_in_strings()
    {
        using var directory = new TemporaryDirectory();
        await using var ours = await InfluxServer.StartAsync(cancel: Cancel);
        await using var theirs = await InfluxServer.StartAsync(cancel: Cancel);
        var packed = Golden("1.6.7-inmem", "export.lp.gz", directory);
        await Imports.RunAsync(Imports.Options(ours.HttpAddress) with { Parallelism = 5, BatchLines = 100 }, packed);
        // It leaves out all policies of a database but one.
        await theirs.Http.ExecuteAsync("CREATE DATABASE golden WITH NAME extremes", cancel: Cancel);
        foreach (var policy in new[] { "rp_1d", "century", "blocks", "rp_1h", "autogen" })
        {
            await theirs.Http.ExecuteAsync($"CREATE RETENTION POLICY {policy} ON golden DURATION 0s REPLICATION 1", cancel: Cancel);
        }

        await theirs.Http.ExecuteAsync("CREATE DATABASE \"dotted.db-1 größe\" WITH NAME \"rp.with.dots\"", cancel: Cancel);
        await theirs.Http.ExecuteAsync("CREATE RETENTION POLICY \"two words\" ON \"dotted.db-1 größe\" DURATION 0s REPLICATION 1", cancel: Cancel);
        await theirs.Http.ExecuteAsync("CREATE RETENTION POLICY \"ポリシー-1d\" ON \"dotted.db-1 größe\" DURATION 0s REPLICATION 1", cancel: Cancel);
        var official = await InfluxImportAsync(theirs, packed, "-compressed");
        Assert.Contains("Processed", official.Text, StringComparison.Ordinal);

        var expected = await PointSnapshot.ReadAsync(theirs.Http, Cancel);
        var actual = await PointSnapshot.ReadAsync(ours.Http, Cancel);
        var differences = actual.DifferencesFrom(expected, limit: 1000);

        Assert.True(actual.PointCount > 6000, $"{actual.PointCount} points");
        // It sends a batch of bad lines with good ones, which are stored; only its line feeds are doubled.
        Assert.NotEmpty(differences);
        Assert.All(differences, d => Assert.True(d.Contains('\n', StringComparison.Ordinal) || d.Contains("\\n", StringComparison.Ordinal), d));
    }

    [RealServerFact]
    public async Task Exactly_the_lines_that_are_refused_are_rejected_and_can_be_imported_later()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync("m f=1,g=\"text\" 1", "db", cancel: Cancel);
        var lines = new List<string>();
        var bad = new List<int>();
        var random = new Random(4);
        for (var i = 0; i < 3000; i++)
        {
            var kind = random.Next(60);
            if (kind < 4)
            {
                bad.Add(i + 1);
            }

            lines.Add(kind switch
            {
                0 => $"m,t=a f=\"conflict {i}\" {i}",
                1 => $"m,t=a f= {i}",
                2 => $"m,broken {i}",
                3 => "m,t=a s=\"it's nöt closed \uFFFD 5",
                4 => $"m,t=a s=\"closed, \\\"here\\\"\" {i}",
                _ => $"m,t=a f={i} {i}",
            });
        }

        var result = await Imports.TextAsync(Imports.Options(server.HttpAddress) with { Database = "db", Parallelism = 3, BatchLines = 200 }, directory, string.Join('\n', lines));

        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(bad, result.Rejections.Select(r => (int)r.LineNumber));
        Assert.All(result.Rejections.Where(r => r.Line.Contains("conflict", StringComparison.Ordinal)), r => Assert.Contains("field type conflict", r.Reason, StringComparison.Ordinal));
        Assert.Equal(3000 - bad.Count + 1, (await PointSnapshot.ReadAsync(server.Http, Cancel)).Series.Values.Sum(p => p.Count));

        // As they are they are refused again, all of them; into another database the conflicts are none.
        var text = await File.ReadAllTextAsync(result.RejectPath!, Cancel);
        Assert.All(result.Rejections, r => Assert.Contains(lines[(int)r.LineNumber - 1] + "\n", text, StringComparison.Ordinal));
        var again = await Imports.RunAsync(Imports.Options(server.HttpAddress), result.RejectPath!);
        Assert.Equal((Outcome.Failed, (long)bad.Count), (again.Outcome, again.Rejected));
        await server.Http.CreateDatabaseAsync("other", Cancel);
        var elsewhere = await Imports.RunAsync(Imports.Options(server.HttpAddress) with { NewDatabase = "other", NewRetentionPolicy = "autogen" }, result.RejectPath!);
        Assert.Equal(lines.Count(l => l.Contains("conflict", StringComparison.Ordinal)), elsewhere.PointsWritten);
    }

    [RealServerFact]
    public async Task Points_beyond_the_retention_policy_are_rejected_with_that_reason()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.ExecuteAsync("CREATE DATABASE db WITH DURATION 1h REPLICATION 1 NAME short", cancel: Cancel);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var text = string.Concat(Enumerable.Range(0, 2000).Select(i => $"m,t={i % 3} f={i} {(i < 1000 ? 1000 + i : now - i % 60)}\n"));

        var result = await Imports.TextAsync(
            Imports.Options(server.HttpAddress) with { Database = "db", Write = new WriteSettings { Precision = WritePrecision.Seconds } }, directory, text);

        Assert.Equal((Outcome.Partial, 1000, 1000), (result.Outcome, result.PointsWritten, result.Rejected));
        Assert.All(result.Rejections, r => Assert.Contains("points beyond retention policy", r.Reason, StringComparison.Ordinal));
    }

    [RealServerFact]
    public async Task A_login_and_names_that_are_wrong_are_told_before_anything_is_lost()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Authentication = true }, Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.ExecuteAsync("CREATE USER reader WITH PASSWORD 'r'", cancel: Cancel);
        var options = Imports.Options(server.HttpAddress);
        ImportOptions As(string user, string password) =>
            options with { Servers = [options.Servers[0] with { Credential = new InfluxCredential(user, password) }], Database = "db" };
        async Task<string?> ErrorOf(ImportOptions o) => (await Imports.TextAsync(o, directory, "m f=1 1\n")).Error?.Id;

        Assert.Equal("LoginRefused", await ErrorOf(options with { Database = "db" }));
        Assert.Equal("LoginRefused", await ErrorOf(As("admin", "wrong")));
        Assert.Equal("WriteForbidden", await ErrorOf(As("reader", "r")));
        var admin = As("admin", "pass \"word\"");
        Assert.Equal("DatabaseNotFound", await ErrorOf(admin with { Database = "nope" }));
        Assert.Equal("RetentionPolicyNotFound", await ErrorOf(admin with { RetentionPolicy = "nope" }));
        Assert.Null(await ErrorOf(admin));
    }

    [RealServerFact]
    public async Task A_server_that_is_killed_and_comes_back_gets_everything()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        const int count = 200_000;
        await File.WriteAllLinesAsync(directory["lines.lp"], Enumerable.Range(0, count).Select(i => $"m,t={i % 100} f={i} {i}"), Cancel);
        var options = Imports.Options(server.HttpAddress) with { Database = "db", BatchLines = 500, MaxAttempts = 60, RetryDelay = TimeSpan.FromMilliseconds(100), MaxRetryDelay = TimeSpan.FromSeconds(1), PointsPerSecond = 50_000 };

        var import = Imports.RunAsync(options, directory["lines.lp"]);
        await Task.Delay(1500, Cancel);
        await server.KillAsync();
        await Task.Delay(500, Cancel);
        await server.StartAgainAsync(Cancel);
        var result = await import;

        Assert.Equal((Outcome.Complete, count), (result.Outcome, result.PointsWritten));
        Assert.True(result.Retries > 0);
        Assert.Equal(count, await CountAsync(server));
    }

    [RealServerFact]
    public async Task A_server_with_a_small_limit_gets_small_bodies()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { MaxBodySize = 20_000 }, Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"m,t={i % 10} f={i} {i}\n"));

        var result = await Imports.TextAsync(Imports.Options(server.HttpAddress) with { Database = "db" }, directory, text);

        Assert.Equal((Outcome.Complete, 20_000), (result.Outcome, result.PointsWritten));
        Assert.Equal(20_000, await CountAsync(server));
    }

    [RealServerTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Awkward_strings_and_names_survive(bool compress)
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("a:b", Cancel);
        const string text = "\uFEFF# DML\r\n# CONTEXT-DATABASE:a:b\r\n# CONTEXT-RETENTION-POLICY:autogen\r\nm s=\"one\ntwo\r\n\n# three\" 1\r\nm\"q,t=\"x fi\\\"eld=\"\" 2\nm s=\"\\\\\" 3\nm s=\"\\\"\" 4";

        var result = await Imports.TextAsync(Imports.Options(server.HttpAddress) with { Compress = compress }, directory, text);

        Assert.Equal((Outcome.Complete, 4), (result.Outcome, result.PointsWritten));
        var values = (await server.Http.QueryAsync("SELECT s FROM m", "a:b", Cancel)).Single().Column("s");
        Assert.Equal(["one\ntwo\r\n\n# three", "\\", "\""], values);
        Assert.Equal([""], (await server.Http.QueryAsync("SELECT \"fi\\\"eld\" FROM \"m\\\"q\"", "a:b", Cancel)).Single().Column("fi\"eld"));
    }

    private static async Task<long> CountAsync(InfluxServer server) =>
        long.Parse((await server.Http.QueryAsync("SELECT count(f) FROM m", "db", Cancel)).Single().Rows.Single()[1]!, CultureInfo.InvariantCulture);

    private static Task<ProcessRun> InfluxImportAsync(InfluxServer server, string path, params string[] arguments) => MeasuredProcess.RunAsync(
        "influx", ["-host", server.HttpAddress.Host, "-port", server.HttpAddress.Port.ToString(CultureInfo.InvariantCulture), "-import", "-path", path, .. arguments], TimeSpan.FromMinutes(2), Cancel);

    /// <summary>A copy, because an import leaves files beside what it reads.</summary>
    private static string Golden(string set, string name, TemporaryDirectory directory)
    {
        var copy = directory[name];
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Data", set, name), copy);
        return copy;
    }

    /// <summary>
    /// All points of what an export keeps: the deletes of database <c>deletes</c> that were only in the WAL are not in it, and names with
    /// line feeds or a backslash before a quote don't survive.
    /// </summary>
    private static List<(string Database, string Query, JsonElement Answer)> Queries(string set)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Data", set, "queries.json")));
        return [.. document.RootElement.GetProperty("queries").EnumerateArray()
            .Select(q => (Database: q.GetProperty("db").GetString()!, Query: q.GetProperty("q").GetString()!, Answer: q.GetProperty("answer").Clone()))
            .Where(q => q.Query.StartsWith("SELECT", StringComparison.Ordinal)
                && (q.Database is "golden" or "dotted.db-1 größe" || q.Query.EndsWith(".\"m\"", StringComparison.Ordinal)))];
    }

    private static List<string> Rows(JsonElement answer) =>
        [.. answer.GetProperty("results").EnumerateArray()
            .SelectMany(r => r.TryGetProperty("series", out var series) ? series.EnumerateArray() : Enumerable.Empty<JsonElement>())
            .SelectMany(s => s.GetProperty("values").EnumerateArray().Select(v => $"{s.GetProperty("name").GetString()} {v.GetRawText()}"))
            .Order(StringComparer.Ordinal)];
}
