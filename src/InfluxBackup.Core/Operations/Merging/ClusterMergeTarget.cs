using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// A cluster: each shard goes to every data node that owns it. Points are written with consistency <c>all</c>, so that groups and shards come to
/// be on all owners, and fields are known there; nothing is asked of the meta nodes but what they know, and a lease.
/// </summary>
internal sealed class ClusterMergeTarget(ClusterAccess access, ILogger logger) : IMergeTarget
{
    private readonly MetaNodeClient meta = access.CreateMetaClient(logger);
    private readonly CancellationTokenSource lost = new();
    private InfluxWriteClient? writer;
    private RestoreLease? lease;
    private ulong clusterId;

    public string Name => access.Name;

    public InfluxWriteClient Writer => writer ?? throw new InvalidOperationException("The cluster has not been examined.");

    public IReadOnlyList<LiveNode> Nodes { get; private set; } = [];

    public CancellationToken Lost => lost.Token;

    public async Task ExamineAsync(RestoreFindings findings, CancellationToken cancel)
    {
        var metadata = await ReadMetadataAsync(cancel).ConfigureAwait(false);
        clusterId = metadata.Data.ClusterID;
        var known = (await meta.ReadNodesAsync(cancel).ConfigureAwait(false)).DataNodes.ToDictionary(n => n.Id);
        var nodes = metadata.Data.DataNodes.Select(n => known.GetValueOrDefault(n.ID) ?? new ClusterDataNode(n.ID, n.TCPHost, n.Host, "", "", "")).ToList();
        if (nodes.Count == 0)
        {
            throw new InfluxBackupException("NoDataNodes", ErrorKind.NotFound, $"The cluster of {meta.Name} has no data node.") { Subject = meta.Name };
        }

        Nodes = nodes.Select(n => new LiveNode(new SnapshotterClient(DataNodeAddress.Parse(n.TcpAddress), access.DataNodes)) { Id = n.Id, Http = new InfluxHttpClient(access.HttpOf(n)) }).ToList();
        writer = new InfluxWriteClient(nodes.Select(access.HttpOf).ToList(), new WriteSettings { Consistency = WriteConsistency.All }, connections: 4);
        var problems = await Task.WhenAll(Nodes.Select(n => FindProblemAsync(n, findings, cancel))).ConfigureAwait(false);
        findings.Conflicts.AddRange(problems.OfType<InfluxBackupException>());
    }

    public async Task BeginAsync(IEnumerable<string> databases, CancellationToken cancel) =>
        lease = await RestoreLease.TakeAsync(meta, clusterId, databases, waits: true, lost, logger, cancel).ConfigureAwait(false);

    public async Task<ServerMetadata> ReadMetadataAsync(CancellationToken cancel) => (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;

    public uint ReplicationOf(RetentionPolicyInfo policy) => (uint)Math.Clamp(policy.ReplicaN, 1, Math.Max(1, Nodes.Count));

    /// <summary>So many that all nodes get the same number of copies.</summary>
    public int ShardsOf(RetentionPolicyInfo policy) => Enumerable.Range(1, Math.Max(1, Nodes.Count)).First(n => n * (long)ReplicationOf(policy) % Math.Max(1, Nodes.Count) == 0);

    public IReadOnlyList<LiveNode> OwnersOf(TargetShard shard) => shard.Owners.Select(id => Nodes.FirstOrDefault(n => n.Id == id) ?? throw UnknownOwner(shard.Key, id)).ToList();

    public async ValueTask DisposeAsync()
    {
        if (lease is not null)
        {
            await lease.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var node in Nodes)
        {
            node.HttpOf().Dispose();
        }

        writer?.Dispose();
        meta.Dispose();
        lost.Dispose();
    }

    /// <summary>All must be there: a point that one owner lacks would be shown or not, depending on who is asked.</summary>
    private static async Task<InfluxBackupException?> FindProblemAsync(LiveNode node, RestoreFindings findings, CancellationToken cancel)
    {
        try
        {
            _ = await node.Client.ReadMetastoreAsync(cancel).ConfigureAwait(false);
            if (await node.HttpOf().IsAntiEntropyEnabledAsync(cancel).ConfigureAwait(false))
            {
                lock (findings)
                {
                    findings.Warnings.Add($"Anti-entropy runs on {node.Client.Address}. It may copy shards that the merge has not finished: switch it off meanwhile (section [anti-entropy], enabled = false).");
                }
            }

            return null;
        }
        catch (InfluxBackupException e)
        {
            return new InfluxBackupException("DataNodeDown", ErrorKind.Connection, $"A merge needs all data nodes of the cluster, and {node.Client.Address} can't be used: {e.Message}", e)
            {
                Subject = node.Client.Address.ToString(),
                Remedy = e.Remedy ?? "Start it, or remove it from the cluster first.",
            };
        }
    }

    private static InfluxBackupException UnknownOwner(ShardKey shard, ulong id) =>
        new("OwnerUnknown", ErrorKind.InvalidData, $"{shard} belongs to data node {id}, which the cluster does not know.")
        {
            Subject = shard.ToString(),
            Remedy = "A node may just have been removed or added. Run the merge again.",
        };
}
