using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

public sealed class ClusterSampleTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task The_sample_has_the_same_points_on_a_cluster_of_any_size(int dataNodes)
    {
        await using var three = await TestCluster.SampleAsync();
        await using var other = await TestCluster.SampleAsync(o => o with { DataNodes = dataNodes, MetaNodes = 1 });
        foreach (var database in (string[])[ClusterSample.ReplicatedTwice, ClusterSample.ReplicatedThrice, ClusterSample.NotReplicated, ClusterSample.OddlyNamed])
        {
            var points = three.Cluster.ReadPoints(database);
            Assert.NotEmpty(points);
            Assert.Equal(points.OrderBy(p => p.Key.ToString(), StringComparer.Ordinal), other.Cluster.ReadPoints(database).OrderBy(p => p.Key.ToString(), StringComparer.Ordinal));
        }

        Assert.Empty(three.Cluster.ReadPoints(ClusterSample.Empty));
    }

    [Fact]
    public async Task Owners_agree_on_all_shards_but_one()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var (withTombstones, differing) = ClusterSample.Write(cluster.Cluster);
        var shards = ServerMetadata.Parse(cluster.Cluster.Metadata.ReadBytes(), "cluster").Shards;
        Assert.Equal([1, 2, 3], shards.Select(s => cluster.Cluster.OwnersOf(s.Key.Id).Count).Distinct().Order());
        foreach (var shard in shards)
        {
            var copies = cluster.Cluster.OwnersOf(shard.Key.Id).Select(o => o.ReadPoints(shard.Key)).ToList();
            Assert.Equal(shard.Key == differing ? 2 : 1, copies.Select(c => c.Count).Distinct().Count());
            Assert.True(shard.Key == differing || copies.TrueForAll(c => c.OrderBy(p => p.Key).SequenceEqual(copies[0].OrderBy(p => p.Key))));
        }

        Assert.All(cluster.Cluster.OwnersOf(withTombstones.Id), o => Assert.NotEmpty(Directory.GetFiles(o.ShardDirectory(withTombstones), "*.tombstone")));
        Assert.DoesNotContain(cluster.Cluster.ReadPoints(ClusterSample.ReplicatedThrice), p => p.Key is { Series: "stock,item=item\\ 03", Time: ClusterSample.Start });
    }
}
