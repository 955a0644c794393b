using InfluxBackup.Metadata;

namespace InfluxBackup.Cluster;

/// <summary>A cluster's metadata as one of its meta nodes holds them.</summary>
/// <param name="Bytes">The protobuf message as it came; what this program does not know is in it too.</param>
/// <param name="Metadata">The same, read.</param>
/// <param name="Index">Number of their last change.</param>
public sealed record ClusterMetadata(ReadOnlyMemory<byte> Bytes, ServerMetadata Metadata, ulong Index);

/// <summary>The nodes of a cluster as its meta nodes know them.</summary>
public sealed record ClusterNodes(IReadOnlyList<ClusterDataNode> DataNodes, IReadOnlyList<ClusterMetaNode> MetaNodes);

/// <summary>A data node.</summary>
/// <param name="TcpAddress">Its backup service, <c>host:8088</c>; the name by which meta nodes know it.</param>
/// <param name="HttpAddress">Its HTTP API, <c>host:8086</c>.</param>
/// <param name="HttpScheme"><c>http</c> or <c>https</c>; empty for a node that has not been heard of lately.</param>
/// <param name="Status"><c>joined</c>, also for a node that is down.</param>
/// <param name="Version">Empty for a node that has not been heard of lately.</param>
public sealed record ClusterDataNode(ulong Id, string TcpAddress, string HttpAddress, string HttpScheme, string Status, string Version);

/// <summary>A meta node.</summary>
/// <param name="HttpAddress">Its API, <c>host:8091</c>.</param>
/// <param name="HttpScheme"><c>http</c> or <c>https</c>; empty for a node that has not been heard of lately.</param>
/// <param name="RaftAddress">Where the meta nodes talk to each other, <c>host:8089</c>; the name of the leader.</param>
/// <param name="Version">Empty for a node that has not been heard of lately.</param>
public sealed record ClusterMetaNode(ulong Id, string HttpAddress, string HttpScheme, string RaftAddress, string Version);

/// <summary>A shard and who holds it.</summary>
/// <param name="Key">Database, policy and id.</param>
/// <param name="ReplicaN">How many copies its policy wants.</param>
/// <param name="GroupId">The shard group that it is in.</param>
/// <param name="Start">Beginning of the group, nanoseconds since 1970.</param>
/// <param name="End">End of the group, exclusive, nanoseconds since 1970.</param>
/// <param name="Expires">When the server removes it, nanoseconds since 1970; null for never.</param>
/// <param name="TruncatedAt">No points from here on go into it, nanoseconds since 1970; null where it was not truncated.</param>
public sealed record ClusterShard(
    ShardKey Key, uint ReplicaN, ulong GroupId, long Start, long End, long? Expires, long? TruncatedAt, IReadOnlyList<ShardOwnerState> Owners);

/// <summary>One copy of a shard. State, time and size only where they were asked for and the node told them.</summary>
/// <param name="NodeId">The data node.</param>
/// <param name="TcpAddress">Its backup service; empty where the cluster has no such node any more.</param>
/// <param name="State"><c>hot</c> while it was written to lately, else <c>cold</c>.</param>
/// <param name="LastModified">Newest change, by the node's own clock, nanoseconds since 1970.</param>
/// <param name="Size">Bytes, with the write-ahead log.</param>
/// <param name="Error">
/// Why there is nothing to tell: <c>not found</c> where the node has no such shard, and just the same where the node could not be asked.
/// </param>
public sealed record ShardOwnerState(ulong NodeId, string TcpAddress, string? State, long? LastModified, long? Size, string? Error);
