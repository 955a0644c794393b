using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Restores a backup to a running server or cluster: databases, policies and shard groups first, then each shard to all its owners, looked
/// for afterwards on each, then continuous queries, users and grants.
/// </summary>
public sealed class RestoreOperation(RestoreOptions options)
{
    private readonly ILogger logger = options.Logger;

    /// <summary>Checks the backup and the target and decides what to do. Changes nothing. Conflicts are in the plan.</summary>
    /// <exception cref="InfluxBackupException">The backup or the target can't be read, or what was asked for does not exist.</exception>
    public async Task<RestorePlan> PlanAsync(CancellationToken cancel)
    {
        var target = CreateTarget();
        await using (target.ConfigureAwait(false))
        {
            return await new RestorePlanner(options, target).PlanAsync(cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Does what the plan says; throws the first conflict of a plan that has any.</summary>
    public async Task<RestoreResult> RunAsync(RestorePlan plan, CancellationToken cancel)
    {
        if (plan.Conflicts.Count > 0)
        {
            throw plan.Conflicts[0];
        }

        var target = CreateTarget();
        await using (target.ConfigureAwait(false))
        {
            try
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, target.Lost);
                return await RunAsync(plan, target, either.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or InfluxBackupException)
            {
                SayWhatIsLeft(plan, target, e is OperationCanceledException ? "was cancelled" : "failed");
                if (e is OperationCanceledException && target.Lost.IsCancellationRequested && !cancel.IsCancellationRequested)
                {
                    throw RestoreErrors.Overtaken(plan.Target, e);
                }

                throw;
            }
        }
    }

    private async Task<RestoreResult> RunAsync(RestorePlan plan, IRestoreTarget target, CancellationToken cancel)
    {
        var started = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        logger.LogInformation("Restoring {Plan}.", plan);
        var prepared = await target.PrepareAsync(plan, cancel).ConfigureAwait(false);
        logger.LogInformation("{Databases} can take {Shards}.", string.Join(", ", plan.Databases), Count.Of(prepared.Placement.Targets.Count, "shard"));
        var shards = await UploadAsync(plan, prepared, cancel).ConfigureAwait(false);
        var objects = await target.RestoreObjectsAsync(plan, cancel).ConfigureAwait(false);
        var warnings = plan.Warnings.Concat(prepared.Warnings).Concat(shards.SelectMany(s => s.Result.Warnings)).Distinct().ToList();
        if (shards.Any(s => s.Result.Outcome == ShardOutcome.Failed))
        {
            warnings.Add($"The databases {string.Join(", ", plan.Databases)} {(plan.IsResumed ? "" : "were created and ")}lack shards that failed. To try those again, repeat the restore with -Resume (--resume); to begin anew, drop the databases first.");
        }

        return new RestoreResult
        {
            Path = plan.Path,
            Timestamp = plan.Timestamp,
            DataNode = plan.DataNode,
            MetaNode = plan.MetaNode,
            Outcome = Judge(shards, objects),
            Databases = plan.Databases.ToList(),
            Shards = shards,
            Objects = objects,
            StartTime = started,
            Duration = clock.Elapsed,
            Warnings = warnings,
        };
    }

    private IRestoreTarget CreateTarget() => options.Server switch
    {
        ServerAccess server => new ServerRestoreTarget(server, options),
        ClusterAccess cluster => new ClusterRestoreTarget(cluster, options),
        _ => throw new InvalidOperationException($"Nothing is known of {options.Server.GetType()}."),
    };

    private void SayWhatIsLeft(RestorePlan plan, IRestoreTarget target, string how)
    {
        if (target.Created.Count > 0)
        {
            logger.LogWarning(
                "The restore to {Target} {How}. It had created: {Created}. To finish it, repeat it with -Resume (--resume); to begin anew, drop the databases first.",
                plan.Target, how, string.Join(", ", target.Created));
        }
        else
        {
            logger.LogWarning("The restore to {Target} {How}; it had created nothing.", plan.Target, how);
        }
    }

    /// <summary>
    /// What was left out because it was not asked for does not make a restore partial: users, grants and queries without an HTTP address or
    /// of a full backup. What the target refused does.
    /// </summary>
    private static Outcome Judge(IReadOnlyList<RestoredShard> shards, IReadOnlyList<RestoredObject> objects)
    {
        var failed = shards.Where(s => s.Result.Outcome == ShardOutcome.Failed).ToList();
        if (failed.Count > 0 && failed.Count == shards.Count && !failed.Any(s => s.Owners.Any(o => o.IsComplete)))
        {
            return Outcome.Failed;
        }

        return failed.Count > 0 || objects.Any(o => o.IsFailed) ? Outcome.Partial : Outcome.Complete;
    }

    private async Task<IReadOnlyList<RestoredShard>> UploadAsync(RestorePlan plan, PreparedRestore prepared, CancellationToken cancel)
    {
        var sound = plan.Shards.Where(s => s.Problem is null).ToDictionary(s => s.Source);
        // The plan has just compared the hashes of the files. What is read now still has to fit gzip's checksum, the lengths of the
        // manifest and the rules of the guard, and what would not is never ended as a whole archive.
        var stored = new PortableShardSource(sound.ToDictionary(s => s.Key, s => s.Value.Stored), StoredHashes.None);
        using var source = new ReshardingSource(stored, prepared.Placement, sound.Values.Where(s => s.Archive!.Tombstones.Any()).Select(s => s.Source).ToHashSet(), logger);
        var sink = new LiveShardSink(prepared.Owners, options.Resume, logger);
        var targets = prepared.Placement.Targets;
        var tasks = targets.Select(t => new ShardTask(t.Key, t.IsOneWhole ? sound[t.Pieces[0].Source].Stored.Entry.Size : null)).ToList();
        var results = await new ShardTransfer(options.Transfer).RunAsync(tasks, source, sink, cancel).ConfigureAwait(false);
        var uploaded = targets.Zip(results, (target, result) => new RestoredShard(target.Pieces[0].Source, target.Key, result)
        {
            Sources = target.Sources.ToList(),
            Owners = sink.ResultsOf(target.Key),
            DeletesApplied = result.Outcome == ShardOutcome.Complete ? source.AppliedTo(target.Key) : 0,
        });
        var leftOut = plan.Shards.Where(s => s.Problem is not null)
            .Select(s => new RestoredShard(s.Source, null, new ShardResult { Shard = s.Source, Outcome = ShardOutcome.Failed, Error = s.Problem }));
        return uploaded.Concat(leftOut).ToList();
    }
}
