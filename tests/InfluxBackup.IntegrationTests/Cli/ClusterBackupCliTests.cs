using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Cluster;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>A cluster's backup by the command line: options, lines, objects and exit codes.</summary>
public sealed class ClusterBackupCliTests
{
    [Fact]
    public async Task A_cluster_is_backed_up_and_the_next_time_only_what_changed()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var backup = Backup(cluster);

        var first = (await CliProcess.RunAsync(backup)).Expect(0);
        var second = Assert.Single((await CliProcess.RunAsync([.. backup, "--json"])).Expect(0).OutputObjects);
        var manifests = (await CliProcess.RunAsync("manifest", "--path", cluster.Set, "--json")).Expect(0).OutputObjects;

        Assert.Contains($"{cluster.ShardCount} shards", first.Output, StringComparison.Ordinal);
        Assert.Equal(0, second.GetProperty("shardCount").GetInt32());
        Assert.Equal(cluster.ShardCount, second.GetProperty("unchangedShardCount").GetInt32());
        Assert.Equal("Incremental", second.GetProperty("strategy").GetString());
        Assert.Equal(["Incremental", "Incremental"], manifests.Select(m => m.GetProperty("strategy").GetString()));
        Assert.Contains("in earlier backups", (await CliProcess.RunAsync("manifest", "--path", cluster.Set, "--timestamp", second.GetProperty("timestamp").GetString()!)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_estimate_is_a_plan_with_a_time()
    {
        await using var cluster = await SampleCluster.StartAsync();

        var lines = (await CliProcess.RunAsync([.. Backup(cluster), "--estimate", "--strategy", "full"])).Expect(0);
        var plan = Assert.Single((await CliProcess.RunAsync([.. Backup(cluster), "--estimate", "--json"])).Expect(0).OutputObjects);

        Assert.Contains("Estimate: metadata and", lines.Output, StringComparison.Ordinal);
        Assert.Contains("FROM", lines.Output, StringComparison.Ordinal);
        Assert.True(plan.GetProperty("estimatedDuration").GetDouble() >= 0);
        Assert.True(plan.GetProperty("expectedBytes").GetInt64() > 0);
        Assert.False(Directory.Exists(cluster.Set));
    }

    [Theory]
    [InlineData("--strategy", "weekly")]
    [InlineData("--strategy", "1")]
    [InlineData("--from", "http://data01")]
    [InlineData("--throttle-limit-per-node", "0")]
    [InlineData("--since", "2026-01-01")]
    public async Task What_makes_no_sense_for_a_cluster_is_an_error_of_usage(string option, string value)
    {
        await using var cluster = await SampleCluster.StartAsync();

        var result = (await CliProcess.RunAsync([.. Backup(cluster), option, value])).Expect(2);

        Assert.NotEmpty(result.Error);
        Assert.False(Directory.Exists(cluster.Set));
    }

    [Fact]
    public async Task A_shard_without_an_owner_that_answers_ends_with_three()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var dead = cluster.Nodes.OwnersOf(cluster.ShardWith(owners: 1).Id)[0];
        var shards = cluster.ShardCount;
        await dead.KillAsync();

        var result = (await CliProcess.RunAsync([.. Backup(cluster), "--timeout", "2", "--allow-partial", "--database", ClusterSample.NotReplicated])).Expect(3);

        Assert.Contains(dead.Address, result.Error, StringComparison.Ordinal);
        Assert.True(shards > 0);
    }

    private static string[] Backup(SampleCluster cluster) =>
        ["backup", "--path", cluster.Set, .. cluster.Nodes.MetaNodes.SelectMany(n => new[] { "--meta-node", n.Address })];
}
