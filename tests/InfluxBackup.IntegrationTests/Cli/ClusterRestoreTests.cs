using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Cluster;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary><c>influxbackup restore --meta-node</c> as a process of its own.</summary>
public sealed class ClusterRestoreTests(SampleSet set, ITestOutputHelper output) : IClassFixture<SampleSet>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string[] Arguments(TestCluster target, params string[] more) =>
        ["restore", "--path", set.Path, .. target.Cluster.MetaNodes.SelectMany(n => (string[])["--meta-node", n.Address]), "--database", ClusterSample.ReplicatedTwice, .. more];

    [Fact]
    public async Task A_restore_tells_sources_and_owners_of_each_shard()
    {
        await using var target = await TestCluster.EmptyAsync(o => o with { DataNodes = 2 });

        var run = (await CliProcess.RunAsync(Arguments(target, "--new-database", "new", "--new-replication-factor", "1", "--include-metadata", "--json"))).Expect(0);

        var result = Assert.Single(run.OutputObjects);
        Assert.Equal("Complete", result.GetProperty("outcome").GetString());
        Assert.Equal(string.Join(", ", target.Cluster.MetaNodes.Select(n => n.Address)), result.GetProperty("metaNode").GetString());
        Assert.All(result.GetProperty("shards").EnumerateArray(), s => Assert.True(s.GetProperty("owners")[0].GetProperty("isComplete").GetBoolean()));
        Assert.DoesNotContain("$2a$", run.Output + run.Error, StringComparison.Ordinal);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice, "new");
    }

    [Fact]
    public async Task A_list_needs_no_server_and_nothing_else_goes_without_one()
    {
        var list = (await CliProcess.RunAsync("restore", "--path", set.Path, "--list", "--json")).Expect(0);
        Assert.Contains(list.OutputObjects, o => o.GetProperty("database").GetString() == ClusterSample.OddlyNamed);

        (await CliProcess.RunAsync("restore", "--path", set.Path)).Expect(2);
    }

    [Fact]
    public async Task A_manifest_is_a_path()
    {
        var manifest = Directory.GetFiles(set.Path, "*.manifest").Single();

        var list = (await CliProcess.RunAsync("restore", "--path", manifest, "--list", "--json")).Expect(0);

        Assert.All(list.OutputObjects, o => Assert.Equal(Path.GetFileNameWithoutExtension(manifest), o.GetProperty("timestamp").GetString()));
    }

    [Fact]
    public async Task A_node_that_is_down_has_its_exit_codes()
    {
        await using var target = await TestCluster.EmptyAsync();
        await target.Cluster.DataNodes[0].KillAsync();

        var refused = (await CliProcess.RunAsync(Arguments(target, "--json"))).Expect(1);
        var partial = (await CliProcess.RunAsync(Arguments(target, "--json", "--allow-partial"))).Expect(3);
        await target.Cluster.DataNodes[0].RestartAsync();
        var resumed = (await CliProcess.RunAsync(Arguments(target, "--json", "--resume"))).Expect(0);

        Assert.Equal(["DataNodeDown"], refused.ErrorIds);
        Assert.Contains("ShardNotOnAllOwners", partial.ErrorIds);
        Assert.Equal("Complete", resumed.OutputObjects[0].GetProperty("outcome").GetString());
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice);
    }

    [Fact]
    public async Task A_kill_at_any_moment_is_made_good_by_resume()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var killed = 0;
        for (var round = 0; round < 6; round++)
        {
            await using var target = await TestCluster.EmptyAsync();
            using (var process = CliProcess.Start(Arguments(target)))
            {
                // Half of them once the cluster has heard of it, when it is in the middle of it.
                while (round % 2 == 0 && !process.HasExited && !target.Cluster.DataNodes.Any(n => n.Requests.Any(r => r.Type == SnapshotterRequestType.ShardUpdate)))
                {
                    await Task.Delay(1, Cancel);
                }

                await Task.Delay(random.Next(round % 2 == 0 ? 150 : 1200), Cancel);
                killed += process.HasExited ? 0 : 1;
                process.Kill();
                await process.WaitAsync();
            }

            (await CliProcess.RunAsync(Arguments(target, "--resume"))).Expect(0);
            set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice);
        }

        Assert.True(killed > 0);
    }
}
