using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>
/// What a merge goes into: a single server or a cluster. Groups and fields come to be by writing points, which is the same for both; they
/// differ in who holds a shard.
/// </summary>
internal interface IMergeTarget : IAsyncDisposable
{
    /// <summary>For messages.</summary>
    string Name { get; }

    /// <summary>Writes points so that every data node that owns them has them.</summary>
    InfluxWriteClient Writer { get; }

    /// <summary>The data nodes, each with its HTTP API; known once <see cref="ExamineAsync"/> was called.</summary>
    IReadOnlyList<LiveNode> Nodes { get; }

    /// <summary>Cancelled when the merge must not go on, because something else has taken its place.</summary>
    CancellationToken Lost { get; }

    /// <summary>Finds the data nodes and looks whether a merge can reach them; changes nothing.</summary>
    /// <param name="findings">Takes conflicts and warnings.</param>
    /// <param name="cancel">Ends it.</param>
    Task ExamineAsync(RestoreFindings findings, CancellationToken cancel);

    /// <summary>Keeps others from restoring to the same databases.</summary>
    Task BeginAsync(IEnumerable<string> databases, CancellationToken cancel);

    Task<ServerMetadata> ReadMetadataAsync(CancellationToken cancel);

    /// <summary>How many copies of its shards a policy can have here, of those that it had.</summary>
    uint ReplicationOf(RetentionPolicyInfo policy);

    /// <summary>How many shards a new group of a policy will have.</summary>
    int ShardsOf(RetentionPolicyInfo policy);

    /// <summary>The data nodes that hold a shard.</summary>
    IReadOnlyList<LiveNode> OwnersOf(TargetShard shard);
}

/// <summary>A node's part in a merge.</summary>
internal static class MergeNodes
{
    /// <summary>The HTTP API of a node of a merge, which is always there.</summary>
    public static InfluxHttpClient HttpOf(this LiveNode node) => node.Http ?? throw new InvalidOperationException($"{node} has no HTTP API.");
}
