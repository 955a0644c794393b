using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>A cluster: metadata from its meta nodes, each shard from one of its owners, or from all of them.</summary>
internal sealed class ClusterOrigin(ClusterAccess access, BackupOptions options) : IBackupOrigin
{
    /// <summary>More of a kind are counted, not listed.</summary>
    private const int MostWarnings = 20;

    private readonly ILogger logger = options.Logger;
    private readonly MetaNodeClient meta = access.CreateMetaClient(options.Logger);
    private ClusterShardSource? owners;
    private IOwnedShardSource? source;
    private IReadOnlyDictionary<ShardKey, IReadOnlyList<ShardCopy>>? settled;
    private IReadOnlySet<ShardKey> inSet = new HashSet<ShardKey>();
    private IReadOnlyDictionary<ShardKey, long> lastModifiedInSet = new Dictionary<ShardKey, long>();

    /// <inheritdoc/>
    public async Task<BackupPlan> PlanAsync(CancellationToken cancel)
    {
        CheckOptions();
        var cluster = await meta.ReadMetadataAsync(cancel).ConfigureAwait(false);
        var nodes = ClusterSurvey.NodesOf(cluster.Metadata, logger);
        CheckPreferredNodes(nodes.Values);
        var strategy = options.Strategy ?? BackupStrategy.Incremental;
        var chosen = options.Selection.Choose(cluster.Metadata, meta.Name);
        var plan = new BackupPlan
        {
            Source = string.Join(", ", access.MetaNodes),
            Strategy = strategy,
            Path = options.Path,
            ServerVersion = await ReadVersionAsync(cancel).ConfigureAwait(false),
            MetadataBytes = cluster.Bytes,
            Metadata = cluster.Metadata,
            Shards = [],
        };
        return strategy == BackupStrategy.MetadataOnly ? plan : await PlanShardsAsync(plan, chosen, nodes, cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// First has every owner write the caches of the plan's shards to files, and reads times and sizes after that. They are what the
    /// manifest records: a cache that is written later would change the time of a shard that nobody has written to since, and the next
    /// backup would copy it again. Each shard is flushed once more before it is read, so nothing that these times tell of can be missing.
    /// </summary>
    public async Task PrepareAsync(BackupPlan plan, CancellationToken cancel)
    {
        await new CacheFlush(access.DataNodes, options.ConnectionsPerNode, logger)
            .RunAsync(plan.Shards.Select(s => (s.Shard.Key, s.Copies)).ToList(), cancel).ConfigureAwait(false);
        if (plan.Shards.Count > 0)
        {
            var survey = new ClusterSurvey(meta, ClusterSurvey.NodesOf(plan.Metadata, logger), access.DataNodes, logger);
            var copies = await survey.FindCopiesAsync(WithHolders(plan.Shards.Select(s => s.Shard), plan.Metadata), cancel).ConfigureAwait(false);

            // Where nobody tells now, what the plan knew serves: older times are safe, they only make more count as changed.
            settled = survey.StatesMissing is null ? copies : plan.Shards.ToDictionary(s => s.Shard.Key, s => (IReadOnlyList<ShardCopy>)AsPlanned(s.Copies, copies[s.Shard.Key]));
        }
    }

    /// <inheritdoc/>
    public IShardSource OpenSource(BackupPlan plan)
    {
        meta.NotOlderThan(plan.Metadata.Data.Index);
        RememberSet(plan);
        settled ??= plan.Shards.ToDictionary(s => s.Shard.Key, s => s.Copies);
        owners = new ClusterShardSource(
            new ClusterShardSourceOptions
            {
                Copies = settled,
                Nodes = ClusterSurvey.NodesOf(plan.Metadata, logger).Values.Distinct().ToDictionary(n => n, LiveSource),
                Preferred = options.From.ToHashSet(),
                ConnectionsPerNode = options.ConnectionsPerNode,
                InSet = inSet,
            },
            logger);
        source = options.AllOwners ? new AllOwnersSource(owners, logger) : owners;
        return source;
    }

    /// <inheritdoc/>
    public ManifestShard Describe(ManifestShard entry, ShardResult shard)
    {
        var owners = RecordedOwners(shard.Shard);
        return entry with
        {
            Owners = owners.Count > 0 ? owners : null,
            LastModified = owners.Select(o => o.LastModified).Append(lastModifiedInSet.GetValueOrDefault(shard.Shard)).Max(),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        owners?.Dispose();
        meta.Dispose();
    }

    private static List<ShardCopy> AsPlanned(IReadOnlyList<ShardCopy> planned, IReadOnlyList<ShardCopy> now) =>
        planned.Zip(now, (then, copy) => copy with { IsHot = then.IsHot, LastModified = then.LastModified, Size = then.Size }).ToList();

    private async Task<BackupPlan> PlanShardsAsync(
        BackupPlan plan, IReadOnlyList<ShardDescription> chosen, IReadOnlyDictionary<ulong, DataNodeAddress> nodes, CancellationToken cancel)
    {
        var survey = new ClusterSurvey(meta, nodes, access.DataNodes, logger);
        var copies = await survey.FindCopiesAsync(WithHolders(chosen, plan.Metadata), cancel).ConfigureAwait(false);
        var warnings = new List<string>(SurveyWarnings(survey, chosen, copies));
        if (plan.Metadata.ShardIdsGivenTwice.Count > 0)
        {
            warnings.Add($"The metadata give the shard ids {string.Join(", ", plan.Metadata.ShardIdsGivenTwice)} twice: only one shard of each id is in this backup.");
        }

        if (survey.Unreachable.Count > 0 && copies.Values.All(c => c.All(o => o.IsHeld is null)) && copies.Count > 0)
        {
            throw survey.Unreachable.Values.First();
        }

        var history = SetHistory.Read(options.Path, plan.Metadata, warnings);
        var unchanged = plan.Strategy == BackupStrategy.Incremental
            ? chosen.Select(s => (Shard: s, Timestamp: history.FindUnchanged(s.Key, copies[s.Key], options.AllOwners)))
                .Where(s => s.Timestamp is not null).Select(s => new UnchangedShard(s.Shard, s.Timestamp!)).ToList()
            : [];
        var taken = chosen.Except(unchanged.Select(u => u.Shard)).ToList();
        return plan with
        {
            Shards = taken.Select(s => PlanShard(s, copies[s.Key])).ToList(),
            Unchanged = unchanged,
            Warnings = warnings,
        };
    }

    /// <summary>
    /// A shard without owners, as an import through a single data node leaves it, may be on any node: that nobody owns it does not mean
    /// that nobody has it.
    /// </summary>
    private static List<ShardDescription> WithHolders(IEnumerable<ShardDescription> shards, ServerMetadata metadata) =>
        shards.Select(s => s.Owners.Count > 0 ? s : s with { Owners = metadata.Data.DataNodes.Select(n => n.ID).ToList() }).ToList();

    private PlannedBackupShard PlanShard(ShardDescription shard, IReadOnlyList<ShardCopy> copies)
    {
        var order = OwnerChoice.Order(copies, c => options.From.Contains(c.Node!), c => new OwnerStatus(0, c.IsHeld is null, 0));
        var best = order.Count > 0 ? order[0] : null;
        return new PlannedBackupShard(shard, copies.All(c => c.IsHeld == false) ? 0 : best?.Size) { Copies = copies, DataNode = best?.Node?.ToString() };
    }

    /// <summary>
    /// The owners whose points the archive has, as far as times and sizes can tell: all, where it is of a copy that lags behind none. Else
    /// only those that it was read from: then the shard counts as changed the next time, when the better copy may be had.
    /// </summary>
    private List<ManifestOwner> RecordedOwners(ShardKey shard)
    {
        var taken = source?.TakenFrom(shard) ?? [];
        if (taken.Count == 0)
        {
            return [];
        }

        var sources = taken.Select(c => c.NodeId).ToHashSet();
        var hasAll = !options.AllOwners && !OwnerChoice.LagsBehind(taken[0], source!.CopiesOf(shard));
        return settled![shard].Where(c => c.LastModified is not null && c.Size is not null && (hasAll || sources.Contains(c.NodeId) || c.IsEmpty))
            .Select(c => new ManifestOwner
            {
                NodeId = c.NodeId,
                DataNode = c.Node!.ToString(),
                LastModified = c.LastModified!.Value,
                Size = c.Size!.Value,
                IsSource = sources.Contains(c.NodeId) || (options.AllOwners && c.IsEmpty),
            })
            .ToList();
    }

    private void RememberSet(BackupPlan plan)
    {
        var history = SetHistory.Read(options.Path, plan.Metadata, new List<string>());
        inSet = plan.Shards.Select(s => s.Shard.Key).Where(history.HasFiles).ToHashSet();
        lastModifiedInSet = plan.Shards.Select(s => s.Shard.Key).Where(s => history.Find(s) is not null).ToDictionary(s => s, s => history.Find(s)!.Entry.LastModified);
    }

    private LiveShardSource LiveSource(DataNodeAddress node) => new(
        new SnapshotterClient(node, access.DataNodes),
        new LiveShardSourceOptions
        {
            BarrierPatience = options.FlushPatience,
            ReadMetadata = async cancel => (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata,
        },
        logger);

    private async Task<string?> ReadVersionAsync(CancellationToken cancel)
    {
        var nodes = await meta.ReadNodesAsync(cancel).ConfigureAwait(false);
        var versions = nodes.DataNodes.Select(n => n.Version).Where(v => v.Length > 0).Distinct().Order(StringComparer.Ordinal).ToList();
        return versions.Count > 0 ? string.Join(", ", versions) : null;
    }

    private static IEnumerable<string> SurveyWarnings(
        ClusterSurvey survey, IReadOnlyList<ShardDescription> shards, IReadOnlyDictionary<ShardKey, IReadOnlyList<ShardCopy>> copies)
    {
        foreach (var (node, error) in survey.Unreachable.OrderBy(u => u.Key.ToString(), StringComparer.Ordinal))
        {
            var affected = shards.Count(s => copies[s.Key].Any(c => c.Node == node));
            var lost = shards.Count(s => copies[s.Key].Any(c => c.Node == node) && copies[s.Key].All(c => c.IsHeld is null));
            yield return $"{error.Message} It owns {Count.Of(affected, "shard")}"
                + (lost > 0 ? $", {lost} of which no other node that answers owns." : "; other owners are used.");
        }

        if (survey.StatesMissing is { } missing)
        {
            yield return $"It is not known when shards changed and how large they are, so that all are taken, from any owner: {missing.Message}";
        }

        var ownerless = shards.Where(s => s.Owners.Count == 0).Select(s => s.Key.Id).ToList();
        if (ownerless.Count > 0)
        {
            yield return $"The cluster has no owner of the shards {string.Join(", ", ownerless.Take(MostWarnings))}{(ownerless.Count > MostWarnings ? $" and {ownerless.Count - MostWarnings} more" : "")}, so that no query sees them. They are taken from any node that has them.";
        }

        var strangers = shards.SelectMany(s => copies[s.Key]).Where(c => c.Node is null).Select(c => c.NodeId).Distinct().Order().ToList();
        if (strangers.Count > 0)
        {
            yield return $"Shards are owned by data nodes that the cluster does not know any more: {string.Join(", ", strangers)}.";
        }

        var disagreements = shards.Select(s => OwnerDisagreement.Describe(s.Key, copies[s.Key])).OfType<string>().ToList();
        foreach (var disagreement in disagreements.Take(MostWarnings))
        {
            yield return disagreement;
        }

        if (disagreements.Count > MostWarnings)
        {
            yield return $"The owners of {disagreements.Count - MostWarnings} more shards disagree.";
        }

        if (disagreements.Count > 0)
        {
            yield return "Each shard is taken from an owner that does not lag behind, as far as times and sizes tell. To have all points that any owner has, back up with -AllOwners (--all-owners).";
        }
    }

    private void CheckOptions()
    {
        if (options.Since is not null)
        {
            throw new InfluxBackupException("SinceUnsupported", ErrorKind.InvalidArgument, "A time since when shards changed is for single servers: the nodes of a cluster have clocks of their own.")
            {
                Remedy = "Leave it out: a backup of a cluster takes only what changed since the set's last backup, unless another strategy is asked for.",
            };
        }
    }

    private void CheckPreferredNodes(IEnumerable<DataNodeAddress> nodes)
    {
        var known = nodes.Distinct().ToList();
        foreach (var node in options.From.Where(f => !known.Contains(f)))
        {
            throw new InfluxBackupException("DataNodeNotFound", ErrorKind.NotFound, $"{node} is not a data node of the cluster.")
            {
                Subject = node.ToString(),
                Remedy = $"There are these: {string.Join(", ", known)}.",
            };
        }
    }
}
