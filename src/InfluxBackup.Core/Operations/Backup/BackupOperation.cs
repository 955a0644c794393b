using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>Backs up a running server or cluster: metadata and shards, into one portable backup of a set.</summary>
public sealed class BackupOperation(BackupOptions options)
{
    private readonly ILogger logger = options.Logger;

    /// <summary>Asks what there is and decides what to take. Changes nothing.</summary>
    /// <exception cref="InfluxBackupException">The server can't be reached, or does not have what was asked for.</exception>
    public async Task<BackupPlan> PlanAsync(CancellationToken cancel)
    {
        using var origin = OpenOrigin();
        return await origin.PlanAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// The plan with the time that it will take: some shards are read for a few seconds, as fast as they come, and compressed as in a
    /// backup. Nothing is kept, and the set is not touched.
    /// </summary>
    /// <exception cref="InfluxBackupException">None of the shards could be read.</exception>
    public async Task<BackupPlan> EstimateAsync(BackupPlan plan, CancellationToken cancel)
    {
        using var origin = OpenOrigin();
        var speed = await new SpeedProbe(origin.OpenSource(plan), options).MeasureAsync(plan, cancel).ConfigureAwait(false);
        return plan with
        {
            EstimatedBytesPerSecond = speed,
            EstimatedDuration = plan.Shards.Count == 0 ? TimeSpan.Zero
                : speed > 0 && plan.ExpectedBytes is { } bytes ? TimeSpan.FromSeconds(bytes / speed.Value) : null,
        };
    }

    /// <summary>
    /// Does what the plan says. A shard that can't be had is in the result; the backup is then kept only where
    /// <see cref="OperationOptions.AllowPartial"/> was given, and its manifest says what is missing.
    /// </summary>
    /// <exception cref="InfluxBackupException">The set can't be written or is in use.</exception>
    public async Task<BackupResult> RunAsync(BackupPlan plan, CancellationToken cancel)
    {
        var started = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        using var origin = OpenOrigin();
        var set = BackupSet.OpenOrCreate(options.Path);
        using var writer = PortableBackupWriter.Begin(set, options.CompressionLevel, started, logger);
        var tasks = plan.Shards.Select(s => new ShardTask(s.Shard.Key, s.ExpectedBytes)).ToList();
        logger.LogInformation("Backing up {Plan}.", plan);
        await origin.PrepareAsync(plan, cancel).ConfigureAwait(false);
        var shards = await new ShardTransfer(options.Transfer).RunAsync(tasks, origin.OpenSource(plan), writer, cancel).ConfigureAwait(false);

        var result = new BackupResult
        {
            Path = set.Directory,
            Outcome = Judge(shards),
            Source = plan.Source,
            DataNode = plan.DataNode,
            Strategy = plan.Strategy,
            ServerVersion = plan.ServerVersion,
            StartTime = started,
            Shards = [.. shards, .. plan.Unchanged.Select(Unchanged)],
            Warnings = [.. plan.Warnings, .. WarningsOf(shards)],
        };
        if (result.Outcome == Outcome.Complete || (result.Outcome == Outcome.Partial && options.AllowPartial))
        {
            cancel.ThrowIfCancellationRequested();
            var manifest = new BackupRecord(options, plan, origin).Write(result, writer);
            writer.Commit(manifest, plan.MetadataBytes, plan.DataNode is null ? plan.Metadata.Data.MaxNodeID : 0);
            result = result with { Timestamp = writer.Timestamp, ManifestPath = writer.ManifestPath };
        }
        else
        {
            logger.LogError("{Count} of {Total} shards failed; no backup was kept.", result.FailedShardCount, shards.Count);
        }

        return result with { Duration = clock.Elapsed };
    }

    private IBackupOrigin OpenOrigin() => options.Server switch
    {
        ClusterAccess cluster => new ClusterOrigin(cluster, options),
        var server => new DataNodeOrigin(server.RequireServer("A backup"), options),
    };

    /// <summary>Every shard of the plan that still exists must be there; that there was none is complete as well.</summary>
    private static Outcome Judge(IReadOnlyList<ShardResult> shards) =>
        shards.All(s => s.Outcome != ShardOutcome.Failed) ? Outcome.Complete
        : shards.Any(s => s.Outcome == ShardOutcome.Complete) ? Outcome.Partial
        : Outcome.Failed;

    private static ShardResult Unchanged(UnchangedShard shard) => new()
    {
        Shard = shard.Shard.Key,
        Outcome = ShardOutcome.Skipped,
        SkipReason = SkipReason.Unchanged,
        Reason = $"unchanged since backup {shard.Timestamp}",
    };

    private static IEnumerable<string> WarningsOf(IReadOnlyList<ShardResult> shards) =>
        shards.SelectMany(s => s.Warnings)
            .Concat(shards.Where(s => s.SkipReason == SkipReason.Dropped).Select(s => $"{s.Shard} was {s.Reason} and is not in the backup."));
}
