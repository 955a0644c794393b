using InfluxBackup.Http;
using InfluxBackup.Metadata;

namespace InfluxBackup.Snapshotter;

/// <summary>A data node that shards are sent to.</summary>
/// <param name="client">Its backup service.</param>
public sealed class LiveNode(SnapshotterClient client)
{
    private volatile bool isGivenUp;

    public SnapshotterClient Client => client;

    /// <summary>Id of the node in its cluster; 0 for a single server.</summary>
    public ulong Id { get; init; }

    /// <summary>Its HTTP API, where known, to count files with.</summary>
    public InfluxHttpClient? Http { get; init; }

    /// <summary>Makes a shard exist on the node, where that is not done with the metadata. It may exist already.</summary>
    public Func<ShardKey, CancellationToken, Task>? MakeShardAsync { get; init; }

    /// <summary>Why nothing is sent to this node; null for a node that is there.</summary>
    public InfluxBackupException? Absence { get; init; }

    /// <summary>
    /// A shard was tried on it in vain as often as shards are tried. The next ones try it once each: it may be back, but a thousand
    /// shards must not wait for it one by one.
    /// </summary>
    internal bool IsGivenUp
    {
        get => isGivenUp;
        set => isGivenUp = value;
    }

    /// <inheritdoc/>
    public override string ToString() => $"data node {client.Address}";
}
