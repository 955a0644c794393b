using InfluxBackup.Cluster;
using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>A backup of the sample cluster, made once, and the points that the cluster had.</summary>
public sealed class SampleSet : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly Dictionary<string, IReadOnlyDictionary<(string RetentionPolicy, string Series, string Field, long Time), object>> points = [];

    public string Path => directory.Path;

    public static IReadOnlyList<string> Databases { get; } =
        [ClusterSample.ReplicatedTwice, ClusterSample.ReplicatedThrice, ClusterSample.NotReplicated, ClusterSample.OddlyNamed, ClusterSample.Empty];

    public static ClusterAccess Access(EmulatedCluster cluster) => new()
    {
        MetaNodes = cluster.MetaNodes.Select(n => MetaNodeAddress.Parse(n.Address)).ToList(),
        Meta = new MetaNodeOptions { Patience = TimeSpan.FromSeconds(10), Timeout = TimeSpan.FromSeconds(20) },
        DataNodes = new Snapshotter.SnapshotterOptions { ConnectTimeout = TimeSpan.FromSeconds(5), IdleTimeout = TimeSpan.FromSeconds(10) },
    };

    public async ValueTask InitializeAsync()
    {
        await using var source = await TestCluster.SampleAsync();
        // An owner that lacks points is another test's matter.
        var differing = ClusterSample.ReplicatedThrice;
        foreach (var database in Databases)
        {
            points[database] = source.Cluster.ReadPoints(database);
        }

        points[differing] = points[differing].Where(p => !p.Key.Series.Contains("item=late", StringComparison.Ordinal)).ToDictionary();
        await Engine.BackupAsync(new BackupOptions { Server = Access(source.Cluster), Path = Path, Retry = Engine.FastRetry });
    }

    public ValueTask DisposeAsync()
    {
        directory.Dispose();
        return ValueTask.CompletedTask;
    }

    public RestoreOptions To(EmulatedCluster cluster, params string[] databases) => new()
    {
        Path = Path,
        Server = Access(cluster),
        Selection = new ShardSelection { Databases = databases },
        Retry = Engine.FastRetry,
    };

    /// <summary>What the cluster had in a database.</summary>
    public IReadOnlyDictionary<(string RetentionPolicy, string Series, string Field, long Time), object> PointsOf(string database) => points[database];

    /// <summary>Each owner of each shard of a database has every point that the source had, and none more.</summary>
    public void AssertOnEveryOwner(EmulatedCluster cluster, string source, string? target = null)
    {
        var expected = points[source];
        var shards = ServerMetadata.Parse(cluster.Metadata.ReadBytes(), "cluster").Shards.Where(s => s.Key.Database == (target ?? source)).ToList();
        var found = new Dictionary<(string, string, string, long), object>();
        foreach (var shard in shards)
        {
            Dictionary<(string, string, string, long), object>? first = null;
            foreach (var owner in cluster.OwnersOf(shard.Key.Id))
            {
                var there = owner.ReadPoints(shard.Key).Where(p => !p.Key.Series.Contains("item=late", StringComparison.Ordinal))
                    .ToDictionary(p => (shard.Key.RetentionPolicy, p.Key.Series, p.Key.Field, p.Key.Time), p => p.Value);
                first ??= there;
                Assert.Equal(first, there);
            }

            foreach (var point in first!)
            {
                Assert.True(found.TryAdd(point.Key, point.Value), $"{point.Key} is in two shards.");
                Assert.Equal(shard.Key, cluster.ShardOf(shard.Key.Database, point.Key.Item1, point.Key.Item2, point.Key.Item4));
            }
        }

        Assert.Equal(expected.Count, found.Count);
        Assert.All(expected, p => Assert.Equal(p.Value, found[p.Key]));
    }
}
