using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>
/// Decides what a restore will do. Everything that can be known beforehand is found out here: which databases and shards are
/// meant, whether every archive is sound, whether the names are free. The target is only read.
/// </summary>
internal sealed class RestorePlanner(RestoreOptions options, IRestoreTarget target)
{
    private readonly RestoreFindings findings = new(options.AllowPartial);

    public async Task<RestorePlan> PlanAsync(CancellationToken cancel)
    {
        var (point, databases, shards) = new RestoreSelection(options, findings).Choose();
        var backup = point.Newest;
        var metadata = CreateMetadata(point, databases, shards.Select(s => s.Key.Id).ToHashSet());
        await target.ExamineAsync(metadata, findings, cancel).ConfigureAwait(false);

        var planned = await CheckArchivesAsync(shards, cancel).ConfigureAwait(false);
        RestoreMetadata.RemoveShards(metadata, planned.Where(s => s.Problem is not null).Select(s => s.Source.Id).ToHashSet());
        WarnOfExpiry(metadata);
        return new RestorePlan
        {
            Path = backup.Directory,
            Timestamp = backup.Timestamp,
            Target = options.Server.Name,
            DataNode = (options.Server as ServerAccess)?.DataNode.ToString(),
            MetaNode = options.Server is ClusterAccess cluster ? string.Join(", ", cluster.MetaNodes) : null,
            RestorePoint = point,
            Names = new RestoreNames(databases, options.Selection.RetentionPolicies, options.NewDatabase, options.NewRetentionPolicy),
            IsWhole = options.Selection.IsEverything,
            IsResumed = options.Resume,
            Metadata = metadata,
            Shards = planned,
            Conflicts = findings.Conflicts,
            Warnings = findings.Warnings,
        };
    }

    private Data CreateMetadata(RestorePoint point, IReadOnlyList<string> databases, IReadOnlySet<ulong> shards)
    {
        var metadata = RestoreMetadata.Create(
            point.Metadata, databases, options.Selection.RetentionPolicies, shards, options.NewDatabase, options.NewRetentionPolicy);
        if (options.NewDuration is { } duration)
        {
            RestoreMetadata.SetDuration(metadata, duration);
        }

        if (options.NewReplicationFactor is { } factor)
        {
            RestoreMetadata.SetReplication(metadata, factor);
        }

        return metadata;
    }

    private async Task<List<PlannedRestoreShard>> CheckArchivesAsync(IReadOnlyList<ChosenShard> shards, CancellationToken cancel)
    {
        var source = new PortableShardSource(shards.ToDictionary(s => s.Key, s => s.Stored), StoredHashes.One);
        var tasks = shards.Select(s => new ShardTask(s.Key, s.Stored.Entry.Size)).ToList();
        var checkedOnly = options.Transfer with { MaxAttempts = 1, Progress = null, Logger = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance };
        var deletes = new TombstoneCountSink(options.Logger);
        var results = await new ShardTransfer(checkedOnly).RunAsync(tasks, source, deletes, cancel).ConfigureAwait(false);
        return shards.Zip(results).Select(pair => Plan(pair.First, pair.Second) with { PendingDeletes = deletes.CountOf(pair.First.Key) }).ToList();
    }

    private PlannedRestoreShard Plan(ChosenShard shard, ShardResult result)
    {
        var problem = result.Error ?? RestoreSelection.FindUnsafeName(shard, result.Archive!);
        findings.Warnings.AddRange(result.Warnings);
        if (problem is not null)
        {
            findings.Report(problem);
        }

        return new PlannedRestoreShard(
            shard.Key, options.NewDatabase ?? shard.Key.Database, options.NewRetentionPolicy ?? shard.Key.RetentionPolicy, result.Archive, problem) { Stored = shard.Stored };
    }

    /// <summary>The server removes expired shard groups at its next retention check, within half an hour.</summary>
    private void WarnOfExpiry(Data metadata)
    {
        var now = (Int128)ShardTime.FromDateTime(DateTimeOffset.UtcNow);
        foreach (var (database, policy) in metadata.Databases.SelectMany(d => d.RetentionPolicies.Select(p => (d, p))).Where(x => x.p.Duration > 0))
        {
            var expired = policy.ShardGroups.Count(g => (Int128)g.EndTime + policy.Duration < now);
            if (expired > 0)
            {
                findings.Warnings.Add($"{expired} shard groups of {database.Name}.{policy.Name} are older than the policy's duration: the server will delete them soon after the restore. To keep them, restore with -NewDuration INF (--new-duration).");
            }
        }
    }
}
