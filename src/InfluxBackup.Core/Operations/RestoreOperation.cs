using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Restores a backup to a running server: new databases by one metadata import, then one upload for each shard, each looked
/// for afterwards, then continuous queries and grants over HTTP.
/// </summary>
public sealed class RestoreOperation(RestoreOptions options)
{
    private readonly ILogger logger = options.Logger;
    private readonly ServerAccess server = options.Server.RequireServer("A restore");
    private readonly SnapshotterClient client = options.Server.RequireServer("A restore").CreateClient();

    /// <summary>Checks the backup and the server and decides what to do. Changes nothing. Conflicts are in the plan.</summary>
    /// <exception cref="InfluxBackupException">The backup or the server can't be read, or what was asked for does not exist.</exception>
    public Task<RestorePlan> PlanAsync(CancellationToken cancel) => new RestorePlanner(options, server, client).PlanAsync(cancel);

    /// <summary>Does what the plan says; throws the first conflict of a plan that has any.</summary>
    public async Task<RestoreResult> RunAsync(RestorePlan plan, CancellationToken cancel)
    {
        if (plan.Conflicts.Count > 0)
        {
            throw plan.Conflicts[0];
        }

        var started = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        using var http = server.CreateHttpClient();
        logger.LogInformation("Restoring {Plan}.", plan);
        var import = await new MetadataImport(client, logger).RunAsync(plan.Metadata, cancel).ConfigureAwait(false);
        logger.LogInformation("Created {Databases} with {Shards}.", string.Join(", ", plan.Databases), Count.Of(import.Targets.Count, "shard"));

        IReadOnlyList<RestoredShard> shards;
        try
        {
            shards = await UploadAsync(plan, import.Targets, http, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            logger.LogWarning("The restore was cancelled. The databases that it created are incomplete: drop {Databases}.", string.Join(", ", plan.Databases));
            throw;
        }

        var objects = await new RestoredObjects(options, plan, http, logger).RunAsync(cancel).ConfigureAwait(false);
        var outcome = Judge(shards, objects);
        var warnings = plan.Warnings.Concat(import.Warnings).Concat(shards.SelectMany(s => s.Result.Warnings)).Distinct().ToList();
        if (shards.Any(s => s.Result.Outcome == ShardOutcome.Failed))
        {
            warnings.Add($"The databases {string.Join(", ", plan.Databases)} were created and lack the shards that failed. To try again, drop them first.");
        }

        return new RestoreResult
        {
            Path = plan.Path,
            Timestamp = plan.Timestamp,
            DataNode = plan.DataNode,
            Outcome = outcome,
            Databases = plan.Databases.ToList(),
            Shards = shards,
            Objects = objects,
            StartTime = started,
            Duration = clock.Elapsed,
            Warnings = warnings,
        };
    }

    /// <summary>
    /// Continuous queries and grants that were left out for want of an HTTP address don't make a restore partial, they were not
    /// asked for; those that the server refused do.
    /// </summary>
    private Outcome Judge(IReadOnlyList<RestoredShard> shards, IReadOnlyList<RestoredObject> objects)
    {
        var failed = shards.Count(s => s.Result.Outcome == ShardOutcome.Failed);
        if (failed > 0 && failed == shards.Count)
        {
            return Outcome.Failed;
        }

        var refused = server.Http is not null && objects.Any(o => !o.IsRestored && o.Kind == RestoredObjectKind.ContinuousQuery);
        return failed > 0 || refused ? Outcome.Partial : Outcome.Complete;
    }

    private async Task<IReadOnlyList<RestoredShard>> UploadAsync(
        RestorePlan plan, IReadOnlyDictionary<ulong, ShardKey> ids, Http.InfluxHttpClient? http, CancellationToken cancel)
    {
        var sound = plan.Shards.Where(s => s.Problem is null).ToList();
        var targets = sound.ToDictionary(s => s.Source, s => ids[s.Source.Id]);
        // The plan has just compared the hashes of the files. What is read now still has to fit gzip's checksum, the lengths of the
        // manifest and the rules of the guard, and what would not is never ended as a whole archive.
        var stored = new PortableShardSource(sound.ToDictionary(s => s.Source, s => s.Stored), StoredHashes.None);
        using var source = new ReshardingSource(stored, ShardPlacement.None, sound.Where(s => s.Archive!.Tombstones.Any()).Select(s => s.Source).ToHashSet(), logger);
        var tasks = sound.Select(s => new ShardTask(s.Source, s.Stored.Entry.Size)).ToList();
        var results = await new ShardTransfer(options.Transfer)
            .RunAsync(tasks, source, new LiveShardSink(client, targets, http, logger), cancel).ConfigureAwait(false);
        var uploaded = results.Select(r => new RestoredShard(r.Shard, targets[r.Shard], r)
        {
            DeletesApplied = r.Outcome == ShardOutcome.Complete ? source.AppliedTo(r.Shard) : 0,
        });
        var leftOut = plan.Shards.Where(s => s.Problem is not null)
            .Select(s => new RestoredShard(s.Source, null, new ShardResult { Shard = s.Source, Outcome = ShardOutcome.Failed, Error = s.Problem }));
        return uploaded.Concat(leftOut).ToList();
    }
}
