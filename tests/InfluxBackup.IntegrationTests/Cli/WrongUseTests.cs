using InfluxBackup.Emulator;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>Options that are well-formed and yet wrong: the message says what is there instead, or what to do.</summary>
public sealed class WrongUseTests
{
    [Theory]
    [InlineData("DatabaseNotFound", "demo, Wetter Köln", "--database", "dmeo")]
    [InlineData("RetentionPolicyNotFound", "daily, long term", "--database", "demo", "--retention-policy", "dayly")]
    [InlineData("ShardNotFound", "2, 3, 4", "--database", "demo", "--shard-id", "99")]
    public async Task What_does_not_exist_is_answered_with_what_does(string id, string existing, params string[] arguments)
    {
        await using var server = await SampleNode.StartAsync();

        var run = (await CliProcess.RunAsync(["backup", "--path", server.Set, "--data-node", server.Address, "--json", .. arguments])).Expect(1);

        var error = Assert.Single(run.ErrorObjects).GetProperty("error");
        Assert.Equal(id, error.GetProperty("id").GetString());
        Assert.Contains(existing, error.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Empty(server.SetFiles);
    }

    [Fact]
    public async Task A_policy_needs_its_database()
    {
        await using var server = await SampleNode.StartAsync();
        var run = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--retention-policy", "daily", "--json")).Expect(2);
        Assert.Equal(["DatabaseRequired"], run.ErrorIds);
    }

    [Fact]
    public async Task The_port_of_the_http_api_is_recognized()
    {
        await using var server = await SampleNode.StartAsync(EmulatedNodeKind.HttpPort);

        var run = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(2);

        Assert.Contains("HTTP API", run.Error, StringComparison.Ordinal);
        Assert.Contains(":8088", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_too_old_is_recognized()
    {
        await using var server = await SampleNode.StartAsync(EmulatedNodeKind.Server14);
        var run = (await CliProcess.RunAsync("shards", "--data-node", server.Address, "--json")).Expect(1);
        Assert.Equal(["ServerTooOld"], run.ErrorIds);
    }

    [Fact]
    public async Task Nothing_listening_is_said_at_once()
    {
        var server = await SampleNode.StartAsync();
        await using (server)
        {
            await server.Node.StopAsync();
            var run = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(1);
            Assert.Contains("nothing listens there", run.Error, StringComparison.Ordinal);
            Assert.Contains("bind-address", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_path_that_is_no_directory_is_said()
    {
        await using var server = await SampleNode.StartAsync();
        await File.WriteAllTextAsync(server["file"], "", TestContext.Current.CancellationToken);

        var backup = (await CliProcess.RunAsync("backup", "--path", server["file"], "--data-node", server.Address)).Expect(1);
        Assert.Contains(server["file"], backup.Error, StringComparison.Ordinal);
        foreach (var verb in (string[])["manifest", "test", "shards"])
        {
            var run = (await CliProcess.RunAsync(verb, "--path", server["nowhere"], "--json")).Expect(1);
            Assert.Equal(["BackupSetNotFound"], run.ErrorIds);
            Assert.Equal(["BackupSetNotFound"], (await CliProcess.RunAsync(verb, "--path", server["file"], "--json")).Expect(1).ErrorIds);
        }
    }

    [Fact]
    public async Task A_directory_without_a_backup_is_said()
    {
        using var empty = new TemporaryDirectory();
        foreach (var verb in (string[])["manifest", "test", "shards"])
        {
            Assert.Equal(["NoBackup"], (await CliProcess.RunAsync(verb, "--path", empty, "--json")).Expect(1).ErrorIds);
        }
    }

    [Fact]
    public async Task An_existing_database_is_not_touched()
    {
        await using var server = await SampleNode.StartAsync();
        (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);

        var run = (await CliProcess.RunAsync("restore", "--path", server.Set, "--data-node", server.Address, "--database", "demo")).Expect(1);
        Assert.Contains("--new-database", run.Error, StringComparison.Ordinal);
        var plan = (await CliProcess.RunAsync("restore", "--path", server.Set, "--data-node", server.Address, "--database", "demo", "--what-if", "--json")).Expect(1);
        Assert.Single(Assert.Single(plan.OutputObjects).GetProperty("conflicts").EnumerateArray());
    }
}
