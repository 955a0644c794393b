using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cluster;

/// <summary>What is known of one copy of a shard before it is read.</summary>
/// <param name="NodeId">The data node that owns it.</param>
/// <param name="Node">The node's backup service; null where the cluster does not know the node any more.</param>
public sealed record ShardCopy(ulong NodeId, DataNodeAddress? Node)
{
    /// <summary>A write without points leaves so much in the log of a shard that it makes; a single point takes more.</summary>
    private const long SizeOfNothing = 18;

    /// <summary>Whether the node has the shard open; null where the node could not be asked.</summary>
    public bool? IsHeld { get; init; }

    /// <summary>The node may have points of it that are not yet in files; null where that is unknown.</summary>
    public bool? IsHot { get; init; }

    /// <summary>Newest change by the node's own clock, nanoseconds since 1970; null where unknown.</summary>
    public long? LastModified { get; init; }

    /// <summary>Bytes on the node; null where unknown.</summary>
    public long? Size { get; init; }

    /// <summary>There is nothing in it: the node does not have it, or has it without a point.</summary>
    public bool IsEmpty => IsHeld == false || (IsHeld == true && Size <= SizeOfNothing);
}
