using InfluxBackup.Cluster;
using InfluxBackup.Emulator;
using InfluxBackup.Http;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>What is told of a cluster while it is well, and while it is not.</summary>
public sealed class ClusterOperationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cluster_that_is_well_is_healthy_and_counted()
    {
        await using var cluster = await TestCluster.SampleAsync();

        var info = await ReadAsync(cluster);

        Assert.Empty(info.Problems);
        Assert.Equal(cluster.Cluster.Leader!.Address, info.Leader);
        Assert.Equal(EmulatedCluster.Version, info.Version);
        Assert.Equal(cluster.Cluster.Metadata.Read().Databases.Select(d => d.Name), info.Databases);
        var shards = ServerMetadata.Parse(cluster.Cluster.Metadata.ReadBytes(), "cluster").Shards.ToList();
        Assert.Equal(shards.Count, info.ShardCount);
        Assert.Equal(shards.Sum(s => s.Owners.Count), info.CopyCount);
        Assert.Equal(info.CopyCount, info.DataNodes.Sum(n => n.ShardCount));
        Assert.Equal(info.TotalSize, info.DataNodes.Sum(n => n.Size));
        Assert.InRange(info.Size, 1, info.TotalSize - 1);
        Assert.All(info.DataNodes, n => Assert.Equal(ClusterNodeState.Up, n.State));
        Assert.All(info.MetaNodes, n => Assert.Equal(ClusterNodeState.Up, n.State));
    }

    [Fact]
    public async Task A_data_node_that_is_down_is_named_and_so_are_the_shards_that_want_it()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var down = cluster.Cluster.DataNodes[1];
        await down.KillAsync();

        var info = await ReadAsync(cluster);

        var node = info.DataNodes.Single(n => n.NodeId == down.NodeId);
        Assert.NotEqual(ClusterNodeState.Up, node.State);
        Assert.Equal("DataNodeUnreachable", node.Error?.Id);
        Assert.Null(node.ShardCount);
        Assert.Equal(node.OwnedShards, info.UnderReplicatedShards.Count);
        Assert.All(info.UnderReplicatedShards, s => Assert.Contains(s.Owners!, o => o.NodeId == down.NodeId && o.IsPresent is null));
        var alone = info.UnderReplicatedShards.Where(s => s.Database == ClusterSample.NotReplicated).ToList();
        Assert.NotEmpty(alone);
        Assert.All(alone, s => Assert.False(s.IsPresent));
        Assert.Contains(info.Problems, p => p.Contains(down.Address, StringComparison.Ordinal));
        Assert.Contains(info.Problems, p => p.StartsWith($"{Count.Of(alone.Count, "shard")} of which no copy was found", StringComparison.Ordinal));
        // Each is told once.
        Assert.Equal(info.Problems.Distinct(), info.Problems);
    }

    [Fact]
    public async Task An_owner_that_lacks_a_shard_is_told_from_one_that_can_not_be_asked()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var key = ServerMetadata.Parse(cluster.Cluster.Metadata.ReadBytes(), "cluster").Shards.First(s => s.Owners.Count == 3).Key;
        var without = cluster.Cluster.DataNodes[0];
        Directory.Delete(without.ShardDirectory(key), recursive: true);

        var info = await ReadAsync(cluster);

        var shard = Assert.Single(info.UnderReplicatedShards);
        Assert.Equal(key.Id, shard.ShardId);
        Assert.True(shard.IsPresent);
        Assert.False(shard.Owners!.Single(o => o.NodeId == without.NodeId).IsPresent);
        Assert.Equal($"{without.Address} lacks it", $"{shard.Owners!.Single(o => o.NodeId == without.NodeId)}");
        Assert.Equal(["1 shard with fewer copies than their policy wants."], info.Problems);
    }

    [Fact]
    public async Task Shards_that_nobody_has_written_to_are_no_problem()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        using var meta = Access(cluster).CreateMetaClient(NullLogger.Instance);
        await meta.ExecuteAsync(MetaCommand.CreateDatabase("d", new RetentionPolicyInfo { Name = "p", Duration = 0, ShardGroupDuration = 604800000000000, ReplicaN = 2 }), Cancel);
        await meta.ExecuteAsync(MetaCommand.CreateShardGroup("d", "p", ClusterSample.Start), Cancel);

        var info = await ReadAsync(cluster);

        Assert.True(info.IsHealthy);
        Assert.Equal((3, 0), (info.ShardCount, info.CopyCount));
    }

    [Fact]
    public async Task A_meta_node_that_is_down_is_named_also_when_it_led()
    {
        await using var cluster = await TestCluster.SampleAsync();
        await cluster.Cluster.MetaNodes[0].KillAsync();
        cluster.Cluster.ElectLeader(2);

        var info = await ReadAsync(cluster);

        Assert.Equal(cluster.Cluster.MetaNodes[2].Address, info.Leader);
        Assert.NotEqual(ClusterNodeState.Up, info.MetaNodes[0].State);
        Assert.Equal("MetaNodeUnreachable", info.MetaNodes[0].Error?.Id);
        Assert.Contains(cluster.Cluster.MetaNodes[0].Address, Assert.Single(info.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_leader_there_is_still_something_to_see()
    {
        await using var cluster = await TestCluster.SampleAsync();
        cluster.Cluster.LoseLeader();

        var info = await ReadAsync(cluster);

        Assert.Null(info.Leader);
        Assert.Contains("No meta node leads", Assert.Single(info.Problems), StringComparison.Ordinal);
        Assert.NotEqual(0, info.CopyCount);
    }

    [Fact]
    public async Task Shards_are_chosen_and_have_their_owners_in_the_order_of_the_metadata()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var operation = new ClusterOperation(Access(cluster), NullLogger.Instance);

        var catalog = await operation.ReadShardsAsync(new ShardSelection { Databases = ["metrics"], RetentionPolicies = ["daily"] }, Cancel);

        Assert.Empty(catalog.Warnings);
        Assert.NotEmpty(catalog.Shards);
        Assert.All(catalog.Shards, s => Assert.Equal(("metrics", "daily", 2, true), (s.Database, s.RetentionPolicy, s.ReplicationFactor, s.IsPresent)));
        Assert.All(catalog.Shards, s => Assert.Equal(cluster.Cluster.OwnersOf(s.ShardId).Select(o => (ulong?)o.NodeId), s.Owners!.Select(o => (ulong?)o.NodeId)));
        Assert.All(catalog.Shards.SelectMany(s => s.Owners!), o => Assert.True(o.Size > 0 && o.LastModified > DateTime.UtcNow.AddDays(-1)));
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => operation.ReadShardsAsync(new ShardSelection { Databases = ["metric"] }, Cancel));
        Assert.Equal("DatabaseNotFound", error.Id);
    }

    [Fact]
    public async Task A_node_that_can_not_be_asked_for_its_shards_is_a_warning_of_the_list()
    {
        await using var cluster = await TestCluster.SampleAsync();
        await cluster.Cluster.DataNodes[2].KillAsync();

        var catalog = await new ClusterOperation(Access(cluster), NullLogger.Instance).ReadShardsAsync(ShardSelection.Everything, Cancel);

        Assert.Contains(cluster.Cluster.DataNodes[2].Address, Assert.Single(catalog.Warnings), StringComparison.Ordinal);
    }

    internal static ClusterAccess Access(TestCluster cluster, MetaNodeOptions? options = null, bool dataNodeTls = false) => new()
    {
        MetaNodes = [.. cluster.Cluster.MetaNodes.Select(n => MetaNodeAddress.Parse(n.Address))],
        Meta = options ?? new MetaNodeOptions { Patience = TimeSpan.FromSeconds(10) },
        DataNodes = new SnapshotterOptions { UseTls = dataNodeTls, SkipCertificateCheck = options?.SkipCertificateCheck ?? false },
    };

    private static Task<ClusterInfo> ReadAsync(TestCluster cluster) => new ClusterOperation(Access(cluster), NullLogger.Instance).ReadAsync(Cancel);
}
