using System.IO.Compression;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>What to back up, from where, into which set.</summary>
public sealed record BackupOptions : OperationOptions
{
    /// <summary>Two read as fast as a server sends.</summary>
    public const int DefaultConnectionsPerNode = 2;

    /// <summary>A single server (<see cref="ServerAccess"/>) or a cluster (<see cref="ClusterAccess"/>).</summary>
    public required InfluxAccess Server { get; init; }

    /// <summary>Directory of the backup set; created where there is none.</summary>
    public required string Path { get; init; }

    public ShardSelection Selection { get; init; } = ShardSelection.Everything;

    /// <summary>Which of the chosen shards to take. By default all of a single server, and those of a cluster that changed.</summary>
    public BackupStrategy? Strategy { get; init; }

    /// <summary>
    /// Leaves out shards without files modified after this time. A shard that changed is taken whole, so the newest archive of
    /// each shard in the set is always all of it. The server's clock counts, which set the times of the files. Not for clusters: their
    /// meta nodes say what changed.
    /// </summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Data nodes of a cluster to take shards from where they hold them; others are used for what these can't give.</summary>
    public IReadOnlyList<DataNodeAddress> From { get; init; } = [];

    /// <summary>Read each shard of a cluster from all its owners and keep every point that any of them has.</summary>
    public bool AllOwners { get; init; }

    /// <summary>Connections to one data node of a cluster at once.</summary>
    public int ConnectionsPerNode { get; init; } = DefaultConnectionsPerNode;

    public CompressionLevel CompressionLevel { get; init; } = CompressionLevel.Fastest;

    /// <summary>How long to try for the flush of a shard's write cache before the shard is read without it, with a warning.</summary>
    public TimeSpan FlushPatience { get; init; } = TimeSpan.FromSeconds(30);
}
