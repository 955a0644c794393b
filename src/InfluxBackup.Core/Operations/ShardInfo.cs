namespace InfluxBackup.Operations;

/// <summary>One shard of a server or cluster, of a server's directories or of a backup.</summary>
public sealed record ShardInfo
{
    public required string Database { get; init; }

    public required string RetentionPolicy { get; init; }

    public required ulong ShardId { get; init; }

    /// <summary>UTC; null where there are no metadata to tell.</summary>
    public DateTime? StartTime { get; init; }

    /// <summary>UTC, exclusive; null where there are no metadata to tell.</summary>
    public DateTime? EndTime { get; init; }

    /// <summary>
    /// Bytes: of the files on a server or in its directories, of the largest copy in a cluster, of the tar stream in a backup; null where
    /// unknown.
    /// </summary>
    public long? Size { get; init; }

    /// <summary>Bytes of the compressed archive in a backup.</summary>
    public long? StoredSize { get; init; }

    /// <summary>TSM files, where known.</summary>
    public int? TsmFiles { get; init; }

    /// <summary>Tombstone files, where known: deletes that the server has not yet worked into its TSM files.</summary>
    public int? Tombstones { get; init; }

    /// <summary>Segments of the write-ahead log, in directories.</summary>
    public int? WalSegments { get; init; }

    /// <summary>Whether the server, or a node of the cluster, has the shard open; in a backup, whether its archive is there.</summary>
    public bool IsPresent { get; init; }

    /// <summary>The data node, for a shard of a server.</summary>
    public string? DataNode { get; init; }

    /// <summary>Who holds it, for a shard of a cluster.</summary>
    public IReadOnlyList<ShardOwnerInfo>? Owners { get; init; }

    /// <summary>How many copies its policy wants, for a shard of a cluster.</summary>
    public int? ReplicationFactor { get; init; }

    /// <summary>
    /// Whether fewer copies were found than the policy wants (or than there are data nodes), for a shard of a cluster. A shard that no
    /// node has was never written to.
    /// </summary>
    public bool? IsUnderReplicated { get; init; }

    /// <summary>The set, for a shard of a backup; the shard's directory, for one of a stopped server.</summary>
    public string? Path { get; init; }

    /// <summary>The backup in its set.</summary>
    public string? Timestamp { get; init; }

    /// <summary>The archive.</summary>
    public string? FileName { get; init; }

    /// <summary>Different series. Like what follows, counted from the files, and null where they were not read.</summary>
    public long? Series { get; init; }

    /// <summary>
    /// Values of fields. What is in two files counts twice, and so does what a tombstone deletes: they are merged by a compaction only.
    /// </summary>
    public long? Points { get; init; }

    /// <summary>UTC, rounded down to 100 ns. The earliest point.</summary>
    public DateTime? FirstPointTime { get; init; }

    /// <summary>UTC, rounded down to 100 ns. The latest point.</summary>
    public DateTime? LastPointTime { get; init; }

    /// <summary>Bytes of TSM files, tombstones and write-ahead log as they were read.</summary>
    public long? MeasuredSize { get; init; }

    /// <summary>Whether a tombstone or the write-ahead log deletes points that are still in TSM files.</summary>
    public bool? HasPendingDeletes { get; init; }

    /// <summary>Why the files could not be read; the counts are null then.</summary>
    public InfluxBackupException? Error { get; init; }
}

/// <summary>Shards, and what the user should know of those that are not among them.</summary>
public sealed record ShardCatalog(IReadOnlyList<ShardInfo> Shards, IReadOnlyList<string> Warnings);
