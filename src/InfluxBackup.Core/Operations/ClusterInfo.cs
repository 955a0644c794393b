namespace InfluxBackup.Operations;

/// <summary>A cluster at one moment: its nodes, what they hold, and what is wrong.</summary>
public sealed record ClusterInfo
{
    /// <summary>The meta nodes that were asked.</summary>
    public required string Name { get; init; }

    /// <summary>HTTP address of the meta node that leads; null while none does.</summary>
    public string? Leader { get; init; }

    /// <summary>Version of the data nodes; several where they differ.</summary>
    public string? Version { get; init; }

    /// <summary>Number of the last change of the metadata.</summary>
    public ulong MetadataIndex { get; init; }

    public required IReadOnlyList<ClusterMetaNodeInfo> MetaNodes { get; init; }

    public required IReadOnlyList<ClusterDataNodeInfo> DataNodes { get; init; }

    public required IReadOnlyList<string> Databases { get; init; }

    /// <summary>Shards, each counted once.</summary>
    public int ShardCount { get; init; }

    /// <summary>Copies of shards that were found.</summary>
    public int CopyCount { get; init; }

    /// <summary>Bytes of the largest copy of each shard.</summary>
    public long Size { get; init; }

    /// <summary>Bytes of all copies.</summary>
    public long TotalSize { get; init; }

    /// <summary>Shards of which fewer copies were found than their policy wants, or than the cluster has data nodes. Empty shards are not among them.</summary>
    public required IReadOnlyList<ShardInfo> UnderReplicatedShards { get; init; }

    /// <summary>What is wrong, a sentence each.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    public bool IsHealthy => Problems.Count == 0;
}

/// <summary>How a node looks from here and from within the cluster.</summary>
public enum ClusterNodeState
{
    /// <summary>It answers.</summary>
    Up,

    /// <summary>The cluster has heard of it lately, but it does not answer here.</summary>
    Unreachable,

    /// <summary>It does not answer, and the cluster has not heard of it lately.</summary>
    Down,
}

/// <summary>States for people.</summary>
public static class ClusterNodeStateExtensions
{
    public static string ToWords(this ClusterNodeState state) => state switch
    {
        ClusterNodeState.Up => "up",
        ClusterNodeState.Unreachable => "unreachable from here",
        _ => "down",
    };
}

/// <summary>A meta node.</summary>
public sealed record ClusterMetaNodeInfo
{
    public ulong NodeId { get; init; }

    /// <summary>Its HTTP address, as the cluster knows it.</summary>
    public required string MetaNode { get; init; }

    public ClusterNodeState State { get; init; }

    public bool IsLeader { get; init; }

    /// <summary>Null where the cluster has not heard of it lately.</summary>
    public string? Version { get; init; }

    /// <summary>Why it is not up.</summary>
    public InfluxBackupException? Error { get; init; }

    /// <summary>For instance <c>meta1:8091 up, leader</c>.</summary>
    public override string ToString() => $"{MetaNode} {State.ToWords()}{(IsLeader ? ", leader" : "")}";
}

/// <summary>A data node.</summary>
public sealed record ClusterDataNodeInfo
{
    public ulong NodeId { get; init; }

    /// <summary>Its backup service, by whose address the cluster knows it.</summary>
    public required string DataNode { get; init; }

    /// <summary>Its HTTP API.</summary>
    public string? HttpUri { get; init; }

    public ClusterNodeState State { get; init; }

    /// <summary>Null where the cluster has not heard of it lately.</summary>
    public string? Version { get; init; }

    /// <summary>Shards that it shall hold.</summary>
    public int OwnedShards { get; init; }

    /// <summary>Shards of these that it holds; null where it could not be asked.</summary>
    public int? ShardCount { get; init; }

    /// <summary>Their bytes, with the write-ahead log; null where it could not be asked.</summary>
    public long? Size { get; init; }

    /// <summary>Why it is not up.</summary>
    public InfluxBackupException? Error { get; init; }

    /// <summary>For instance <c>data1:8088 up, 12 of 12 shards, 1.4 GB</c>.</summary>
    public override string ToString() =>
        $"{DataNode} {State.ToWords()}, {(ShardCount is { } held ? $"{held} of {Count.Of(OwnedShards, "shard")}, {ByteSize.Format(Size ?? 0)}" : Count.Of(OwnedShards, "shard"))}";
}

/// <summary>One copy of a shard of a cluster.</summary>
public sealed record ShardOwnerInfo
{
    public ulong NodeId { get; init; }

    /// <summary>The data node's backup service; null where the cluster has no such node any more.</summary>
    public string? DataNode { get; init; }

    /// <summary>Whether the node has the shard; null where it could not be asked.</summary>
    public bool? IsPresent { get; init; }

    /// <summary>Whether it was written to lately, so that not all of it may be in files; null where unknown.</summary>
    public bool? IsHot { get; init; }

    /// <summary>UTC, by the node's clock; null where unknown.</summary>
    public DateTime? LastModified { get; init; }

    /// <summary>Bytes, with the write-ahead log; null where unknown.</summary>
    public long? Size { get; init; }

    /// <summary>For instance <c>data1:8088 1.4 MB</c>, <c>data2:8088 hot 1.4 MB</c>, <c>data3:8088 lacks it</c>, <c>data3:8088 unknown</c>.</summary>
    public override string ToString()
    {
        var node = DataNode ?? $"node {NodeId} (gone)";
        return IsPresent switch
        {
            null => $"{node} unknown",
            false => $"{node} lacks it",
            _ => $"{node}{(IsHot == true ? " hot" : "")}{(Size is { } size ? $" {ByteSize.Format(size)}" : "")}",
        };
    }
}
