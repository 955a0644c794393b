using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>Looks at a cluster: its nodes, its shards and their copies. Changes nothing.</summary>
public sealed class ClusterOperation(ClusterAccess access, ILogger logger)
{
    /// <summary>Nodes are only asked whether they are there: one that needs longer is in trouble.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Nodes, health, sizes.</summary>
    /// <exception cref="InfluxBackupException">No meta node answers, or none lets us in.</exception>
    public async Task<ClusterInfo> ReadAsync(CancellationToken cancel)
    {
        using var meta = access.CreateMetaClient(logger);
        var metadata = await meta.ReadMetadataAsync(cancel).ConfigureAwait(false);
        var nodes = Complete(await meta.ReadNodesAsync(cancel).ConfigureAwait(false), metadata.Metadata.Data);
        var leader = await meta.ReadLeaderAsync(cancel).ConfigureAwait(false);
        var metaNodes = Task.WhenAll(nodes.MetaNodes.Select(n => LookAtAsync(n, n.RaftAddress == leader, cancel)));
        var answers = Task.WhenAll(nodes.DataNodes.Select(n => FailureOfAsync(n, cancel)));
        var shards = metadata.Metadata.Shards.Where(s => !s.IsDeleted).ToList();
        var survey = Survey(meta, metadata.Metadata);
        var found = await FindCopiesAsync(survey, metadata.Metadata, shards, cancel).ConfigureAwait(false);
        var errors = await answers.ConfigureAwait(false);
        var silent = survey.Unreachable.ToDictionary(n => n.Key.ToString(), n => n.Value);
        var dataNodes = nodes.DataNodes.Zip(errors, (node, error) => Describe(node, error ?? silent.GetValueOrDefault(node.TcpAddress), found)).ToList();
        var info = new ClusterInfo
        {
            Name = meta.Name,
            MetadataIndex = metadata.Index,
            MetaNodes = await metaNodes.ConfigureAwait(false),
            DataNodes = dataNodes,
            Version = Versions(dataNodes) is { Count: > 0 } versions ? string.Join(", ", versions) : null,
            Databases = metadata.Metadata.Databases.Select(d => d.Name).ToList(),
            ShardCount = found.Count,
            CopyCount = found.Sum(s => s.Owners!.Count(o => o.IsPresent == true)),
            Size = found.Sum(s => s.Size ?? 0),
            TotalSize = found.Sum(s => s.Owners!.Sum(o => o.Size ?? 0)),
            UnderReplicatedShards = found.Where(s => s.IsUnderReplicated == true).ToList(),
            Problems = [],
        };
        info = info with { Leader = info.MetaNodes.FirstOrDefault(n => n.IsLeader)?.MetaNode };
        return info with { Problems = ClusterProblems.Of(info, leader, found, survey.StatesMissing).ToList() };
    }

    /// <summary>The chosen shards with their copies, in the order of the metadata.</summary>
    /// <exception cref="InfluxBackupException">No meta node answers, or something chosen does not exist.</exception>
    public async Task<ShardCatalog> ReadShardsAsync(ShardSelection selection, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(selection);
        using var meta = access.CreateMetaClient(logger);
        var metadata = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
        var survey = Survey(meta, metadata);
        var shards = await FindCopiesAsync(survey, metadata, selection.Choose(metadata, meta.Name), cancel).ConfigureAwait(false);
        var warnings = survey.Unreachable.Values.Select(e => e.Message).ToList();
        if (survey.StatesMissing is { } missing)
        {
            warnings.Add(ClusterProblems.StatesMissing(missing));
        }

        return new ShardCatalog(shards, warnings);
    }

    private ClusterSurvey Survey(MetaNodeClient meta, ServerMetadata metadata) =>
        new(meta, ClusterSurvey.NodesOf(metadata, logger), access.DataNodes, logger);

    private static async Task<IReadOnlyList<ShardInfo>> FindCopiesAsync(
        ClusterSurvey survey, ServerMetadata metadata, IReadOnlyList<ShardDescription> shards, CancellationToken cancel)
    {
        var copies = await survey.FindCopiesAsync(shards, cancel).ConfigureAwait(false);
        var wanted = metadata.Databases
            .SelectMany(d => d.RetentionPolicies.Select(p => (Key: (d.Name, p.Name), p.ReplicaN)))
            .ToDictionary(p => p.Key, p => (int)p.ReplicaN);
        return shards.Select(s => Describe(s, copies[s.Key], wanted[(s.Key.Database, s.Key.RetentionPolicy)], metadata.Data.DataNodes.Count)).ToList();
    }

    /// <summary>Without a leader the meta nodes list no nodes; the metadata name them all the same.</summary>
    private static ClusterNodes Complete(ClusterNodes heard, Data known) => new(
        [
            .. heard.DataNodes,
            .. known.DataNodes.Where(n => heard.DataNodes.All(h => h.Id != n.ID)).Select(n => new ClusterDataNode(n.ID, n.TCPHost, n.Host, "", "", "")),
        ],
        [
            .. heard.MetaNodes,
            .. known.MetaNodes.Where(n => heard.MetaNodes.All(h => h.Id != n.ID)).Select(n => new ClusterMetaNode(n.ID, n.Host, "", n.TCPHost, "")),
        ]);

    private static ShardInfo Describe(ShardDescription shard, IReadOnlyList<ShardCopy> copies, int replicas, int dataNodes)
    {
        var present = copies.Count(c => c.IsHeld == true);
        return CatalogOperation.Describe(shard) with
        {
            Owners = copies.Select(Describe).ToList(),
            ReplicationFactor = replicas,
            IsPresent = present > 0,
            Size = copies.Max(c => c.Size),
            // What no node has although all were asked was never written to.
            IsUnderReplicated = present < Math.Min(replicas, dataNodes) && (present > 0 || copies.Any(c => c.IsHeld is null)),
        };
    }

    private static ShardOwnerInfo Describe(ShardCopy copy) => new()
    {
        NodeId = copy.NodeId,
        DataNode = copy.Node?.ToString(),
        IsPresent = copy.IsHeld,
        IsHot = copy.IsHot,
        LastModified = copy.LastModified is { } time ? ShardTime.ToDateTime(time) : null,
        Size = copy.Size,
    };

    private static ClusterDataNodeInfo Describe(ClusterDataNode node, InfluxBackupException? error, IReadOnlyList<ShardInfo> shards)
    {
        var own = shards.SelectMany(s => s.Owners!).Where(o => o.NodeId == node.Id).ToList();
        return new ClusterDataNodeInfo
        {
            NodeId = node.Id,
            DataNode = node.TcpAddress,
            HttpUri = node.HttpAddress.Length == 0 ? null : $"{(node.HttpScheme.Length > 0 ? node.HttpScheme : "http")}://{node.HttpAddress}",
            State = StateOf(error, node.Version),
            Version = node.Version.Length > 0 ? node.Version : null,
            OwnedShards = own.Count,
            ShardCount = error is null ? own.Count(o => o.IsPresent == true) : null,
            Size = error is null ? own.Sum(o => o.Size ?? 0) : null,
            Error = error,
        };
    }

    internal static IReadOnlyList<string> Versions(IEnumerable<ClusterDataNodeInfo> nodes) =>
        nodes.Select(n => n.Version).OfType<string>().Distinct().Order(StringComparer.Ordinal).ToList();

    private static ClusterNodeState StateOf(InfluxBackupException? error, string version) =>
        error is null ? ClusterNodeState.Up : version.Length > 0 ? ClusterNodeState.Unreachable : ClusterNodeState.Down;

    private async Task<ClusterMetaNodeInfo> LookAtAsync(ClusterMetaNode node, bool isLeader, CancellationToken cancel)
    {
        InfluxBackupException? error = null;
        // The other nodes tell it only when they have heard of the node lately.
        var version = node.Version.Length > 0 ? node.Version : null;
        try
        {
            using var client = new MetaNodeClient(
                [MetaNodeAddress.Parse(node.HttpAddress)], access.Meta with { Timeout = Shorter(access.Meta.Timeout), ConnectTimeout = Shorter(access.Meta.ConnectTimeout) }, NullLogger.Instance);
            version = await client.ReadVersionAsync(cancel).ConfigureAwait(false) ?? version;
        }
        catch (InfluxBackupException e)
        {
            error = e;
        }

        return new ClusterMetaNodeInfo
        {
            NodeId = node.Id,
            MetaNode = node.HttpAddress,
            State = StateOf(error, node.Version),
            IsLeader = isLeader,
            Version = version,
            Error = error,
        };
    }

    /// <summary>Asks a data node for what a backup would ask it for; null when it answers.</summary>
    private async Task<InfluxBackupException?> FailureOfAsync(ClusterDataNode node, CancellationToken cancel)
    {
        try
        {
            var options = access.DataNodes with { IdleTimeout = Shorter(access.DataNodes.IdleTimeout), ConnectTimeout = Shorter(access.DataNodes.ConnectTimeout) };
            _ = await new SnapshotterClient(DataNodeAddress.Parse(node.TcpAddress), options).ReadMetastoreAsync(cancel).ConfigureAwait(false);
            return null;
        }
        catch (InfluxBackupException e)
        {
            return e;
        }
    }

    private static TimeSpan Shorter(TimeSpan time) => time < Patience ? time : Patience;
}
