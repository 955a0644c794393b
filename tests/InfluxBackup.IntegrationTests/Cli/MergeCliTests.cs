using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary><c>influxbackup restore --merge</c>.</summary>
public sealed class MergeCliTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task A_merge_is_planned_done_and_told()
    {
        using var set = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Index = SeriesIndex.Tsi1 }, Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync("m v=1 1000\nm v=1 2000\nlost w=1 900000000000000000", "db", cancel: Cancel);
        (await CliProcess.RunAsync("backup", "--path", set, "--data-node", server.DataNode)).Expect(0);
        await server.Http.ExecuteAsync("DROP MEASUREMENT lost", "db", Cancel);
        await server.Http.WriteAsync("m v=2 2000", "db", cancel: Cancel);
        string[] restore = ["restore", "--path", set, "--data-node", server.DataNode, "--http-uri", $"{server.HttpAddress}", "--merge"];

        var plan = (await CliProcess.RunAsync([.. restore, "--what-if", "--json"])).Expect(0).OutputObjects[^1];
        var text = (await CliProcess.RunAsync([.. restore, "--what-if"])).Expect(0).Output;
        Assert.Equal(["WholeFiles", "WholeFiles"], plan.GetProperty("shards").EnumerateArray().Select(s => s.GetProperty("way").GetString()));
        Assert.Contains("whole files", text, StringComparison.Ordinal);
        Assert.Equal(["2"], await server.Http.QueryColumnAsync("SELECT v FROM m WHERE time = 2000", "db", "v", Cancel));

        var result = (await CliProcess.RunAsync([.. restore, "--json"])).Expect(0).OutputObjects[^1];
        Assert.Equal(("Complete", "Existing", 2), (result.GetProperty("outcome").GetString(), result.GetProperty("prefer").GetString(), result.GetProperty("shardCount").GetInt32()));
        Assert.Equal(["1", "2"], await server.Http.QueryColumnAsync("SELECT v FROM m", "db", "v", Cancel));
        Assert.Equal(["1"], await server.Http.QueryColumnAsync("SELECT w FROM lost", "db", "w", Cancel));

        var told = (await CliProcess.RunAsync([.. restore, "--prefer", "backup", "--verbose"])).Expect(0).Output;
        Assert.Contains("preferred  the backup", told, StringComparison.Ordinal);
        Assert.Equal(["1", "1"], await server.Http.QueryColumnAsync("SELECT v FROM m", "db", "v", Cancel));
    }

    [RealServerFact]
    public async Task What_does_not_go_together_is_told()
    {
        using var set = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync("m v=1 1000", "db", cancel: Cancel);
        (await CliProcess.RunAsync("backup", "--path", set, "--data-node", server.DataNode)).Expect(0);
        string[] restore = ["restore", "--path", set, "--data-node", server.DataNode, "--json"];

        Assert.Equal(["HttpRequired"], (await CliProcess.RunAsync([.. restore, "--merge"])).Expect(2).ErrorIds);
        Assert.Equal(["PreferWithoutMerge"], (await CliProcess.RunAsync([.. restore, "--prefer", "backup"])).Expect(2).ErrorIds);
        Assert.Equal(["MergeOptionInvalid"], (await CliProcess.RunAsync([.. restore, "--merge", "--resume", "--http-uri", $"{server.HttpAddress}"])).Expect(2).ErrorIds);
        Assert.Contains("existing or backup", (await CliProcess.RunAsync([.. restore, "--merge", "--prefer", "mine"])).Expect(2).Error, StringComparison.Ordinal);
    }
}
