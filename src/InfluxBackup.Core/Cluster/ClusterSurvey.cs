using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cluster;

/// <summary>
/// Finds out where the copies of shards are, when they changed and how large they are. Two opinions are put together: the meta node's
/// list tells times and sizes, but says <c>not found</c> of a node that is down as of one that has no such shard; the nodes themselves
/// tell which shards they have open.
/// </summary>
/// <param name="meta">The meta nodes.</param>
/// <param name="nodes">Data nodes by id.</param>
/// <param name="options">For the data nodes.</param>
public sealed class ClusterSurvey(MetaNodeClient meta, IReadOnlyDictionary<ulong, DataNodeAddress> nodes, SnapshotterOptions options, ILogger logger)
{
    /// <summary>Telling which shards are open costs a node nothing; one that needs longer hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>The meta node asks all nodes one after another, and waits for those that hang.</summary>
    private static readonly TimeSpan MetaPatience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<DataNodeAddress, InfluxBackupException> unreachable = new();

    /// <summary>Data nodes that did not answer, and why.</summary>
    public IReadOnlyDictionary<DataNodeAddress, InfluxBackupException> Unreachable => unreachable;

    /// <summary>Why the meta nodes did not tell times and sizes; null when they did.</summary>
    public InfluxBackupException? StatesMissing { get; private set; }

    /// <summary>The data nodes of a cluster's metadata, by id. Addresses that are none are left out.</summary>
    public static IReadOnlyDictionary<ulong, DataNodeAddress> NodesOf(ServerMetadata metadata, ILogger logger)
    {
        var found = new Dictionary<ulong, DataNodeAddress>();
        foreach (var node in metadata.Data.DataNodes)
        {
            try
            {
                found[node.ID] = DataNodeAddress.Parse(node.TCPHost);
            }
            catch (InfluxBackupException e)
            {
                logger.LogWarning("Data node {Id} can't be used: {Message}", node.ID, e.Message);
            }
        }

        return found;
    }

    /// <summary>The copies of each shard.</summary>
    public async Task<IReadOnlyDictionary<ShardKey, IReadOnlyList<ShardCopy>>> FindCopiesAsync(IReadOnlyList<ShardDescription> shards, CancellationToken cancel)
    {
        var owners = shards.SelectMany(s => s.Owners).ToHashSet();
        var states = ReadStatesAsync(cancel);
        var held = new ConcurrentDictionary<ulong, HashSet<ShardKey>>();
        await Task.WhenAll(nodes.Where(n => owners.Contains(n.Key)).Select(n => AskAsync(n.Key, n.Value))).ConfigureAwait(false);
        var told = await states.ConfigureAwait(false);
        return shards.ToDictionary(s => s.Key, s => (IReadOnlyList<ShardCopy>)s.Owners.Distinct().Select(o => Copy(s.Key, o)).ToList());

        async Task AskAsync(ulong id, DataNodeAddress node)
        {
            if (await ReadHeldAsync(node, cancel).ConfigureAwait(false) is { } open)
            {
                held[id] = open;
            }
        }

        ShardCopy Copy(ShardKey shard, ulong owner)
        {
            var copy = new ShardCopy(owner, nodes.GetValueOrDefault(owner));
            var state = told.GetValueOrDefault((shard.Id, owner));
            var isTold = state is { Error: null, LastModified: not null };
            return copy with
            {
                IsHeld = !held.TryGetValue(owner, out var open) ? null : isTold || open.Contains(shard),
                IsHot = state?.State is { } word ? word != "cold" : null,
                LastModified = isTold ? state!.LastModified : null,
                Size = isTold ? state!.Size : null,
            };
        }
    }

    /// <summary>Times and sizes by shard and node, empty where the meta nodes don't tell: then everything counts as changed.</summary>
    private async Task<IReadOnlyDictionary<(ulong Shard, ulong Node), ShardOwnerState>> ReadStatesAsync(CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(MetaPatience);
        try
        {
            var states = new Dictionary<(ulong, ulong), ShardOwnerState>();
            foreach (var shard in await meta.ReadShardsAsync(verbose: true, limited.Token).ConfigureAwait(false))
            {
                foreach (var owner in shard.Owners)
                {
                    states[(shard.Key.Id, owner.NodeId)] = owner;
                }
            }

            return states;
        }
        catch (InfluxBackupException e)
        {
            StatesMissing = e;
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            StatesMissing = new InfluxBackupException(
                "ShardStatesTimeout", ErrorKind.Connection, $"The {meta.Name} did not tell the state of the shards within {MetaPatience.TotalSeconds:0} s; a data node that hangs keeps them from it.", e);
        }

        return new Dictionary<(ulong, ulong), ShardOwnerState>();
    }

    private async Task<HashSet<ShardKey>?> ReadHeldAsync(DataNodeAddress node, CancellationToken cancel)
    {
        var patient = options with
        {
            IdleTimeout = options.IdleTimeout < Patience ? options.IdleTimeout : Patience,
            ConnectTimeout = options.ConnectTimeout < Patience ? options.ConnectTimeout : Patience,
        };
        try
        {
            var open = await new SnapshotterClient(node, patient).ReadShardsAsync(null, null, cancel).ConfigureAwait(false);
            return open?.ToHashSet() ?? throw new InfluxBackupException("ShardListMissing", ErrorKind.InvalidData, $"Data node {node} did not say which shards it holds.")
            {
                Subject = node.ToString(),
                Remedy = "If the data nodes have https-enabled in section [cluster], talk TLS to them: -UseDataNodeTls (--use-data-node-tls).",
                IsTransient = true,
            };
        }
        catch (InfluxBackupException e)
        {
            logger.LogDebug("{Message}", e.Message);
            unreachable[node] = e;
            return null;
        }
    }
}
