using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>What to restore, from which backup, to which server or cluster.</summary>
public sealed record RestoreOptions : OperationOptions
{
    /// <summary>Directory of the backup set, or a manifest in it, which names the backup.</summary>
    public required string Path { get; init; }

    /// <summary>Where to restore to.</summary>
    public required InfluxAccess Server { get; init; }

    /// <summary>The backup of the set; the newest unless given.</summary>
    public string? Timestamp { get; init; }

    /// <summary>
    /// Restore what the whole set stands for, up to <see cref="Timestamp"/>: the newest metadata, and each shard from the newest
    /// backup that has it. Incremental backups are always restored so.
    /// </summary>
    public bool Combine { get; init; }

    public ShardSelection Selection { get; init; } = ShardSelection.Everything;

    /// <summary>Name on the server of the one database selected.</summary>
    public string? NewDatabase { get; init; }

    /// <summary>Name on the server of the one retention policy selected.</summary>
    public string? NewRetentionPolicy { get; init; }

    /// <summary>How long the restored policies keep data; <see cref="TimeSpan.Zero"/> for ever. As in the backup unless given.</summary>
    public TimeSpan? NewDuration { get; init; }

    /// <summary>Copies of each shard on a cluster, at most one on each data node. As in the backup unless given.</summary>
    public int? NewReplicationFactor { get; init; }

    /// <summary>Restore databases, policies, users, grants and continuous queries, and no shard.</summary>
    public bool MetadataOnly { get; init; }

    /// <summary>
    /// Restore users, grants and continuous queries to a cluster also from a full backup, and administrators also where the restore is limited to
    /// some databases.
    /// </summary>
    public bool IncludeMetadata { get; init; }

    /// <summary>
    /// Finish an earlier run of the same restore, which broke off or lacks shards: its databases may exist, and shards that have their
    /// files are passed over. No file is ever overwritten by another one.
    /// </summary>
    public bool Resume { get; init; }
}
