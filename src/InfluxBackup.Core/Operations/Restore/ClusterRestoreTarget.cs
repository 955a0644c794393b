using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// A cluster: databases, policies and groups by commands to the meta nodes, each shard to every data node that owns it. The metadata import of
/// a single server is never sent to a node of a cluster: it would take the owners of all shards away.
/// </summary>
internal sealed class ClusterRestoreTarget(ClusterAccess access, RestoreOptions options) : IRestoreTarget
{
    private readonly MetaNodeClient meta = access.CreateMetaClient(options.Logger);
    private readonly ILogger logger = options.Logger;
    private readonly List<string> created = [];
    private readonly List<InfluxHttpClient> https = [];
    private readonly CancellationTokenSource lost = new();
    private RestoreLease? lease;

    public IReadOnlyList<string> Created => created;

    public CancellationToken Lost => lost.Token;

    public async ValueTask DisposeAsync()
    {
        if (lease is not null)
        {
            await lease.DisposeAsync().ConfigureAwait(false);
        }

        https.ForEach(h => h.Dispose());
        meta.Dispose();
        lost.Dispose();
    }

    public async Task ExamineAsync(Data wanted, RestoreFindings findings, CancellationToken cancel)
    {
        try
        {
            await meta.RequireCommandsAsync(cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e) when (e.Kind == ErrorKind.Unsupported)
        {
            findings.Conflicts.Add(e);
        }

        var target = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
        foreach (var database in wanted.Databases)
        {
            CheckName(database, target.FindDatabase(database.Name), findings);
        }

        var nodes = await ReadNodesAsync(target, cancel).ConfigureAwait(false);
        if (nodes.Count == 0)
        {
            findings.Conflicts.Add(new InfluxBackupException("NoDataNodes", ErrorKind.NotFound, $"The cluster of {meta.Name} has no data node.") { Subject = meta.Name });
            return;
        }

        LimitReplication(wanted, nodes.Count, findings);
        var surveys = await Task.WhenAll(nodes.Select(n => SurveyAsync(n, cancel))).ConfigureAwait(false);
        foreach (var absent in surveys.Where(s => s.Absence is not null))
        {
            findings.Report(RestoreErrors.DataNodeDown(absent.Node.TcpAddress, absent.Absence!));
        }

        WarnOfAntiEntropy(surveys, findings);
    }

    public async Task<PreparedRestore> PrepareAsync(RestorePlan plan, CancellationToken cancel)
    {
        var target = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
        lease = await RestoreLease.TakeAsync(meta, target.Data.ClusterID, plan.Databases, options.Resume, lost, logger, cancel).ConfigureAwait(false);
        var databases = new ClusterDatabases(meta, created, logger);
        await databases.CreateAsync(plan.Metadata, options.Resume, cancel).ConfigureAwait(false);
        var sound = plan.Shards.Where(s => s.Problem is null).Select(s => s.Source).ToList();
        var placement = await databases.PlaceAsync(plan.RestorePoint.Metadata, sound, plan.Names, cancel).ConfigureAwait(false);

        target = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
        var nodes = await ReadNodesAsync(target, cancel).ConfigureAwait(false);
        var surveys = await Task.WhenAll(nodes.Select(n => SurveyAsync(n, cancel))).ConfigureAwait(false);
        var live = surveys.ToDictionary(s => s.Node.Id, ToLive);
        var owners = placement.Targets.ToDictionary(t => t.Key, t => (IReadOnlyList<LiveNode>)t.Owners.Select(id => live.GetValueOrDefault(id) ?? throw UnknownOwner(t.Key, id)).ToList());
        return new PreparedRestore(placement, shard => owners[shard], []);
    }

    public async Task<IReadOnlyList<RestoredObject>> RestoreObjectsAsync(RestorePlan plan, CancellationToken cancel)
    {
        var isIncluded = options.IncludeMetadata || options.MetadataOnly || plan.RestorePoint.Newest.Manifest.Run?.Strategy != BackupStrategy.Full;
        return await new ClusterObjects(plan, meta, isIncluded, options.IncludeMetadata, created, logger).RunAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// The data nodes that the metadata name. What the meta nodes tell of them besides lacks nodes for a while after the leader has changed.
    /// </summary>
    private async Task<IReadOnlyList<ClusterDataNode>> ReadNodesAsync(ServerMetadata target, CancellationToken cancel)
    {
        var known = (await meta.ReadNodesAsync(cancel).ConfigureAwait(false)).DataNodes.ToDictionary(n => n.Id);
        return target.Data.DataNodes
            .Select(n => known.GetValueOrDefault(n.ID) ?? new ClusterDataNode(n.ID, n.TCPHost, n.Host, "", "", ""))
            .ToList();
    }

    private void CheckName(DatabaseInfo wanted, DatabaseInfo? there, RestoreFindings findings)
    {
        // A cluster takes any name, also one that can't be dropped again.
        DatabaseName.Check(wanted.Name, "database");
        foreach (var policy in wanted.RetentionPolicies)
        {
            DatabaseName.Check(policy.Name, "retention policy");
            policy.Subscriptions.Clear();
        }

        if (there is not null && !options.Resume)
        {
            findings.Conflicts.Add(RestoreErrors.DatabaseExists(wanted.Name, meta.Name));
        }
        else if (there is not null && RestoreErrors.WhyNotOfThisRestore(wanted, there) is { } why)
        {
            findings.Conflicts.Add(RestoreErrors.NotOfThisRestore(wanted.Name, meta.Name, why));
        }
    }

    private static void LimitReplication(Data wanted, int nodes, RestoreFindings findings)
    {
        foreach (var (database, policy) in wanted.Databases.SelectMany(d => d.RetentionPolicies.Select(p => (d, p))))
        {
            if (policy.ReplicaN > nodes)
            {
                findings.Warnings.Add($"{database.Name}.{policy.Name} is to have {policy.ReplicaN} copies of each shard; the cluster has {Count.Of(nodes, "data node")}, so there will be {nodes}.");
            }

            policy.ReplicaN = (uint)Math.Clamp(policy.ReplicaN, 1, nodes);
        }
    }

    /// <summary>Asks a data node for what a restore needs of it.</summary>
    private async Task<Survey> SurveyAsync(ClusterDataNode node, CancellationToken cancel)
    {
        var client = new SnapshotterClient(DataNodeAddress.Parse(node.TcpAddress), access.DataNodes);
        try
        {
            _ = await client.ReadMetastoreAsync(cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e)
        {
            return new Survey(node, client, null, e, null);
        }

        var http = new InfluxHttpClient(access.HttpOf(node));
        https.Add(http);
        try
        {
            var isEnabled = await http.IsAntiEntropyEnabledAsync(cancel).ConfigureAwait(false);
            return new Survey(node, client, http, null, isEnabled);
        }
        catch (InfluxBackupException e)
        {
            logger.LogDebug("The HTTP API of data node {Node} is not used: {Message}", node.TcpAddress, e.Message);
            return new Survey(node, client, null, null, null);
        }
    }

    private LiveNode ToLive(Survey survey) => new(survey.Client)
    {
        Id = survey.Node.Id,
        Http = survey.Http,
        Absence = survey.Absence is { } absence && options.AllowPartial ? RestoreErrors.DataNodeDown(survey.Node.TcpAddress, absence) : null,
        MakeShardAsync = new CoordinatorClient(survey.Client.Address, access.DataNodes).CreateShardAsync,
    };

    private static void WarnOfAntiEntropy(IReadOnlyList<Survey> surveys, RestoreFindings findings)
    {
        var running = surveys.Where(s => s.AntiEntropy == true).Select(s => s.Node.TcpAddress).ToList();
        if (running.Count > 0)
        {
            findings.Warnings.Add($"Anti-entropy runs on {string.Join(", ", running)}. It may repair shards that the restore has not finished: switch it off during the restore (section [anti-entropy], enabled = false).");
        }

        var unknown = surveys.Where(s => s is { Absence: null, Http: null }).Select(s => s.Node.TcpAddress).ToList();
        if (unknown.Count > 0)
        {
            findings.Warnings.Add($"The HTTP API of {string.Join(", ", unknown)} can't be asked, so it is not known whether anti-entropy runs there, and uploaded shards are read back to check them. A -Credential (--user-name) may help.");
        }
    }

    private static InfluxBackupException UnknownOwner(ShardKey shard, ulong id) =>
        new("OwnerUnknown", ErrorKind.InvalidData, $"{shard} belongs to data node {id}, which the cluster does not know.")
        {
            Subject = shard.ToString(),
            Remedy = "A node may just have been removed. Drop the database and restore again.",
        };

    /// <summary>What is known of a data node.</summary>
    /// <param name="Http">Its HTTP API where that can be asked.</param>
    /// <param name="Absence">Why nothing can be sent to it.</param>
    /// <param name="AntiEntropy">Whether anti-entropy is switched on; null where it can't be told.</param>
    private sealed record Survey(ClusterDataNode Node, SnapshotterClient Client, InfluxHttpClient? Http, InfluxBackupException? Absence, bool? AntiEntropy);
}
