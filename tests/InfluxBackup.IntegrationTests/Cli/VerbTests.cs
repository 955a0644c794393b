using System.Text.Json;
using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>The verbs on the embedded data node: what they print, as lines and as objects, and how they end.</summary>
public sealed class VerbTests
{
    [Fact]
    public async Task A_backup_can_be_listed_tested_and_restored()
    {
        await using var server = await SampleNode.StartAsync();

        var backup = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);
        Assert.Contains("Complete", backup.Output, StringComparison.Ordinal);
        Assert.Contains("7 shards of 2 databases", backup.Output, StringComparison.Ordinal);
        // What can move a cursor or colour a word is for terminals.
        Assert.DoesNotContain('\u001b', backup.Output + backup.Error);
        Assert.DoesNotContain('\r', backup.Output + backup.Error);

        Assert.Contains("Messwerte für später", (await CliProcess.RunAsync("manifest", "--path", server.Set)).Expect(0).Output, StringComparison.Ordinal);
        Assert.Contains("sound, 7 shards", (await CliProcess.RunAsync("test", "--path", server.Set)).Expect(0).Output, StringComparison.Ordinal);
        var restore = (await CliProcess.RunAsync(
            "restore", "--path", server.Set, "--data-node", server.Address, "--database", "demo", "--new-database", "copy")).Expect(0);
        Assert.Contains("5 shards", restore.Output, StringComparison.Ordinal);
        Assert.Contains("GRANT READ ON \"copy\" TO \"grafana\"", restore.Output, StringComparison.Ordinal);
        var shards = (await CliProcess.RunAsync("shards", "--data-node", server.Address, "--database", "copy")).Expect(0);
        Assert.Equal(6, shards.Output.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public async Task With_json_every_line_is_an_object()
    {
        await using var server = await SampleNode.StartAsync();

        var backup = Assert.Single((await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--json")).Expect(0).OutputObjects);
        Assert.Equal("Complete", backup.GetProperty("outcome").GetString());
        Assert.Equal(7, backup.GetProperty("shards").GetArrayLength());
        Assert.Equal(JsonValueKind.Number, backup.GetProperty("duration").ValueKind);
        var timestamp = backup.GetProperty("timestamp").GetString();

        var manifest = Assert.Single((await CliProcess.RunAsync("manifest", "--path", server.Set, "--json")).Expect(0).OutputObjects);
        Assert.Equal(timestamp, manifest.GetProperty("timestamp").GetString());
        Assert.Equal(["grafana"], manifest.GetProperty("users").EnumerateArray().Select(u => u.GetString()));

        var test = Assert.Single((await CliProcess.RunAsync("test", "--path", server.Set, "--json")).Expect(0).OutputObjects);
        Assert.True(test.GetProperty("isSound").GetBoolean());

        var shards = (await CliProcess.RunAsync("shards", "--path", server.Set, "--json")).Expect(0).OutputObjects;
        Assert.Equal([2, 3, 4, 5, 6, 7, 8], shards.Select(s => s.GetProperty("shardId").GetInt32()).Order());

        var restore = Assert.Single((await CliProcess.RunAsync(
            "restore", "--path", server.Set, "--data-node", server.Address, "--shard-id", "3", "--new-database", "copy", "--json")).Expect(0).OutputObjects);
        var shard = Assert.Single(restore.GetProperty("shards").EnumerateArray());
        Assert.Equal("copy", shard.GetProperty("targetDatabase").GetString());
        Assert.NotEqual(3, shard.GetProperty("targetShardId").GetInt32());
    }

    [Fact]
    public async Task With_json_and_verbose_events_come_before_the_result()
    {
        await using var server = await SampleNode.StartAsync();

        var run = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--json", "--verbose")).Expect(0);

        var lines = run.OutputObjects;
        Assert.All(lines.SkipLast(1), line => Assert.True(line.TryGetProperty("event", out _)));
        Assert.False(lines[^1].TryGetProperty("event", out _));
        Assert.Equal(7, lines.Count(l => l.TryGetProperty("phase", out var phase) && phase.GetString() == "Finished"));
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Quiet_says_nothing_when_all_is_well()
    {
        await using var server = await SampleNode.StartAsync();
        var run = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--quiet")).Expect(0);
        Assert.Equal("", run.Output + run.Error);
    }

    [Fact]
    public async Task A_terminal_gets_a_line_of_progress()
    {
        await using var server = await SampleNode.StartAsync();
        server.Slow(10_000);

        // script(1) runs a command on a terminal of its own.
        var command = $"'{CliProcess.ProgramPath}' backup --path '{server.Set}' --data-node {server.Address}";
        var run = (await CliProcess.RunProgramAsync("script", "-qec", command, "/dev/null")).Expect(0);

        Assert.Contains("\r\u001b[2KBacking up  0/7 shards", run.Output, StringComparison.Ordinal);
        // The line is gone before the result is written.
        Assert.Contains("\r\u001b[2KBackup of", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_if_shows_the_plan_and_changes_nothing()
    {
        await using var server = await SampleNode.StartAsync();

        var backup = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--database", "demo", "--what-if", "--json")).Expect(0);
        Assert.Equal(5, Assert.Single(backup.OutputObjects).GetProperty("shards").GetArrayLength());
        Assert.False(Directory.Exists(server.Set));

        (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);
        var before = server.Node.Metadata.ReadBytes();
        var restore = (await CliProcess.RunAsync("restore", "--path", server.Set, "--data-node", server.Address, "--database", "demo", "--new-database", "copy", "--what-if")).Expect(0);
        Assert.Contains("copy", restore.Output, StringComparison.Ordinal);
        Assert.Equal(before, server.Node.Metadata.ReadBytes());
    }

    [Fact]
    public async Task Several_backups_are_a_table_and_a_damaged_one_does_not_hide_the_others()
    {
        await using var server = await SampleNode.StartAsync();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);
        }

        var manifests = server.SetFiles.Where(f => f.EndsWith(".manifest", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, manifests.Count);
        var listed = (await CliProcess.RunAsync("manifest", "--path", server.Set)).Expect(0).Output;
        Assert.All(manifests, m => Assert.Contains(Path.GetFileNameWithoutExtension(m), listed, StringComparison.Ordinal));

        await File.WriteAllTextAsync(Path.Combine(server.Set, manifests[1]), "{", TestContext.Current.CancellationToken);
        var run = (await CliProcess.RunAsync("manifest", "--path", server.Set, "--json")).Expect(3);
        Assert.Single(run.OutputObjects);
        Assert.Single(run.ErrorIds);
    }

    [Fact]
    public async Task A_damaged_archive_makes_a_test_fail()
    {
        await using var server = await SampleNode.StartAsync();
        (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);
        var archive = Path.Combine(server.Set, server.SetFiles.First(f => f.EndsWith(".tar.gz", StringComparison.Ordinal)));
        var bytes = await File.ReadAllBytesAsync(archive, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(archive, bytes, TestContext.Current.CancellationToken);

        var run = (await CliProcess.RunAsync("test", "--path", server.Set)).Expect(3);

        Assert.Contains(Path.GetFileName(archive), run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deletes_that_are_pending_are_shown_in_the_plan_and_applied()
    {
        await using var server = await SampleNode.StartAsync(withTombstones: true);
        (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);
        string[] restore = ["restore", "--path", server.Set, "--data-node", server.Address, "--database", "demo", "--new-database", "copy"];

        var plan = Assert.Single((await CliProcess.RunAsync([.. restore, "--json", "--what-if"])).Expect(0).OutputObjects);
        var deletes = plan.GetProperty("pendingDeletes").GetInt64();
        Assert.True(deletes > 0);
        Assert.Contains("pending deletes applied", (await CliProcess.RunAsync([.. restore, "--what-if"])).Expect(0).Output, StringComparison.Ordinal);

        var result = Assert.Single((await CliProcess.RunAsync([.. restore, "--json"])).Expect(0).OutputObjects);
        Assert.Equal("Complete", result.GetProperty("outcome").GetString());
        Assert.Equal(6, result.GetProperty("shardCount").GetInt32());
        Assert.Equal(deletes, result.GetProperty("deletesApplied").GetInt64());
        restore[^1] = "another";
        Assert.Contains($"{deletes} pending deletes applied", (await CliProcess.RunAsync(restore)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shard_that_can_not_be_had_makes_a_backup_partial()
    {
        await using var server = await SampleNode.StartAsync();
        server.Node.Faults.Add(Fault.CutAfter(1000), SnapshotterRequestType.ShardBackup, shardId: 3);

        // Both at once: a shard is tried for the better part of a minute before it is given up.
        var strict = CliProcess.RunAsync("backup", "--path", server["strict"], "--data-node", server.Address, "--json");
        var lenient = CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--json", "--allow-partial");

        var kept = Assert.Single((await lenient).Expect(3).OutputObjects);
        Assert.Equal("Partial", kept.GetProperty("outcome").GetString());
        Assert.Equal(6, kept.GetProperty("shardCount").GetInt32());
        var manifest = Assert.Single((await CliProcess.RunAsync("manifest", "--path", server.Set, "--json")).Expect(0).OutputObjects);
        Assert.Equal("Partial", manifest.GetProperty("outcome").GetString());

        var run = await strict;
        Assert.NotEqual(0, run.ExitCode);
        Assert.False(Assert.Single(run.OutputObjects).TryGetProperty("timestamp", out _));
        Assert.Single(run.ErrorIds);
        Assert.Empty(Directory.EnumerateFiles(server["strict"], "2*"));
    }
}
