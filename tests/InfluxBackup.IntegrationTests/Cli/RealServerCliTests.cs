using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>The command line from server to server.</summary>
public sealed class RealServerCliTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task What_is_backed_up_comes_back_point_by_point()
    {
        using var set = new TemporaryDirectory();
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);

        (await CliProcess.RunAsync("backup", "--path", set, "--data-node", source.DataNode, "--http-uri", $"{source.HttpAddress}")).Expect(0);
        (await CliProcess.RunAsync("test", "--path", set)).Expect(0);
        (await CliProcess.RunAsync("restore", "--path", set, "--data-node", target.DataNode, "--http-uri", $"{target.HttpAddress}")).Expect(0);

        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerFact]
    public async Task A_password_is_used_and_never_shown()
    {
        using var set = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Authentication = true, AdminPassword = "swordfish42" }, Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync("m v=1 1", "db", cancel: Cancel);
        string[] arguments =
            ["backup", "--path", set["set"], "--data-node", server.DataNode, "--http-uri", $"{server.HttpAddress}", "--user-name", "admin", "--json", "--verbose"];

        var byVariable = (await CliProcess.RunAsync(new Dictionary<string, string> { ["INFLUXBACKUP_PASSWORD"] = "swordfish42" }, arguments)).Expect(0);
        Assert.StartsWith("1.", byVariable.OutputObjects[^1].GetProperty("serverVersion").GetString(), StringComparison.Ordinal);

        await File.WriteAllTextAsync(set["password"], "swordfish42\n", Cancel);
        var byFile = (await CliProcess.RunAsync([.. arguments, "--password-file", set["password"]])).Expect(0);

        await File.WriteAllTextAsync(set["password"], "swordfish43\n", Cancel);
        var wrong = (await CliProcess.RunAsync([.. arguments, "--password-file", set["password"]])).Expect(1);
        Assert.Equal(["LoginRefused"], wrong.ErrorIds);

        var written = Directory.EnumerateFiles(set["set"], "*.manifest").Select(File.ReadAllText);
        Assert.All(
            [byVariable.Output, byVariable.Error, byFile.Output, byFile.Error, wrong.Output, wrong.Error, .. written],
            text => Assert.DoesNotContain("swordfish", text, StringComparison.Ordinal));
    }
}
