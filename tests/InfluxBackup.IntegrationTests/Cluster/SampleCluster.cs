using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>An emulated cluster with the sample's shards, and options for backups of it.</summary>
internal sealed class SampleCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory directory;

    private SampleCluster(TemporaryDirectory directory, EmulatedCluster cluster)
    {
        this.directory = directory;
        Nodes = cluster;
    }

    public EmulatedCluster Nodes { get; }

    public ShardKey WithTombstones { get; private set; } = null!;

    /// <summary>Its first owner has points that the others lack.</summary>
    public ShardKey Differing { get; private set; } = null!;

    /// <summary>Directory for backup sets; goes with the cluster.</summary>
    public string Set => directory["set"];

    public ClusterAccess Access => new()
    {
        MetaNodes = Nodes.MetaNodes.Select(n => MetaNodeAddress.Parse(n.Address)).ToList(),
        Meta = new MetaNodeOptions { Patience = TimeSpan.FromSeconds(10), Timeout = TimeSpan.FromSeconds(10) },
        DataNodes = new SnapshotterOptions { IdleTimeout = TimeSpan.FromSeconds(1), ConnectTimeout = TimeSpan.FromSeconds(5) },
    };

    public BackupOptions Backup => new()
    {
        Server = Access,
        Path = Set,
        Retry = Engine.FastRetry with { MaxAttempts = 6 },
        FlushPatience = TimeSpan.FromSeconds(0.3),
    };

    public static async Task<SampleCluster> StartAsync(Func<EmulatedClusterOptions, EmulatedClusterOptions>? change = null)
    {
        var directory = new TemporaryDirectory();
        var options = new EmulatedClusterOptions { Directory = directory["cluster"] };
        var cluster = await EmulatedCluster.StartAsync(change?.Invoke(options) ?? options);
        var sample = new SampleCluster(directory, cluster);
        (sample.WithTombstones, sample.Differing) = ClusterSample.Write(cluster);
        return sample;
    }

    /// <summary>A shard of a database with so many owners that have the same.</summary>
    public ShardKey ShardWith(int owners) =>
        ServerMetadata.Parse(Nodes.Metadata.ReadBytes(), "cluster").Shards.First(s => s.Owners.Count == owners && s.Key != Differing).Key;

    public int ShardCount => ServerMetadata.Parse(Nodes.Metadata.ReadBytes(), "cluster").Shards.Count(s => !s.IsDeleted);

    /// <summary>The set's combination up to a backup, read to the last byte, is sound.</summary>
    public async Task AssertSoundAsync() => Assert.All(await Engine.TestAsync(Set), r => Assert.True(r.IsSound));

    /// <summary>Names and sizes of the files that the set's newest archive of a shard has.</summary>
    public IReadOnlyList<(string Name, long Size)> FilesInSet(ShardKey shard, string? timestamp = null) =>
        RestorePoint.Combine(BackupSet.Open(Set), timestamp).Shards[shard].Entry.Entries!.Select(e => (e.Name, e.Size)).ToList();

    public static IReadOnlyList<(string Name, long Size)> FilesOn(EmulatedDataNode node, ShardKey shard) =>
        Directory.GetFiles(node.ShardDirectory(shard)).Select(f => (Name: Path.GetFileName(f), new FileInfo(f).Length))
            .Where(f => ShardFileName.IsTsm(f.Name) || ShardFileName.IsTombstone(f.Name)).OrderBy(f => f.Name, StringComparer.Ordinal).ToList();

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes.DataNodes)
        {
            node.Faults.Clear();
        }

        await Nodes.DisposeAsync();
        directory.Dispose();
    }
}
