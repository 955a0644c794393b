using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Merges a backup into databases that exist on a running server: missing shard groups are made, then each shard gets the backup's points for
/// it as files of its own, in one upload. What is there stays, or gives way, as the preference says. A merge that was broken off
/// is done again: shards that have the files already are passed over.
/// </summary>
/// <param name="options">What to merge, and into which server. Its HTTP API is needed.</param>
/// <param name="preference">Whose value stays where both have one.</param>
public sealed class MergeOperation(RestoreOptions options, MergePreference preference)
{
    private readonly ILogger logger = options.Logger;

    /// <summary>Checks the backup and the server and decides what to do. Changes nothing. Conflicts are in the plan.</summary>
    /// <exception cref="InfluxBackupException">The backup or the server can't be read, or what was asked for does not exist.</exception>
    public async Task<MergePlan> PlanAsync(CancellationToken cancel)
    {
        var target = CreateTarget();
        await using (target.ConfigureAwait(false))
        {
            return await new MergePlanner(options, preference, target).PlanAsync(cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Does what the plan says; throws the first conflict of a plan that has any.</summary>
    public async Task<MergeResult> RunAsync(MergePlan plan, CancellationToken cancel)
    {
        if (plan.Conflicts.Count > 0)
        {
            throw plan.Conflicts[0];
        }

        var started = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        var target = CreateTarget();
        await using (target.ConfigureAwait(false))
        {
            var findings = new RestoreFindings(options.AllowPartial);
            await target.ExamineAsync(findings, cancel).ConfigureAwait(false);
            if (findings.Conflicts.Count > 0)
            {
                throw findings.Conflicts[0];
            }

            await target.BeginAsync(plan.Databases, cancel).ConfigureAwait(false);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, target.Lost);
            try
            {
                return await RunAsync(plan, target, started, clock, either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (target.Lost.IsCancellationRequested && !cancel.IsCancellationRequested)
            {
                throw RestoreErrors.Overtaken(target.Name, e);
            }
        }
    }

    private async Task<MergeResult> RunAsync(MergePlan plan, IMergeTarget target, DateTime started, Stopwatch clock, CancellationToken cancel)
    {
        logger.LogInformation("Merging {Plan}.", plan);
        foreach (var policy in plan.NewPolicies)
        {
            using var answer = await target.Nodes[0].HttpOf().QueryAsync(policy.Statement, cancel).ConfigureAwait(false);
            logger.LogInformation("Created retention policy {Policy}.", policy);
        }

        IReadOnlyList<MergedShard> shards;
        (IReadOnlyList<FieldName> Hidden, string? Warning) look;
        try
        {
            (shards, var fields) = await MergeAsync(plan, target, cancel).ConfigureAwait(false);
            look = await FindHiddenAsync(fields, target.Nodes, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            logger.LogWarning("The merge was cancelled. What was merged so far stays; the same command goes on with the rest.");
            throw;
        }

        return new MergeResult
        {
            Path = plan.Path,
            Timestamp = plan.Timestamp,
            Target = plan.Target,
            Prefer = preference,
            Outcome = Judge(shards, look.Hidden.Count == 0 && look.Warning is null),
            Shards = shards,
            NewPolicies = plan.NewPolicies,
            HiddenFields = look.Hidden,
            StartTime = started,
            Duration = clock.Elapsed,
            Warnings = Warnings(plan, shards, look.Hidden, look.Warning),
        };
    }

    /// <summary>The error for a preference without a merge: somebody expects something that a restore does not do.</summary>
    public static InfluxBackupException PreferWithoutMerge() =>
        new("PreferWithoutMerge", ErrorKind.InvalidArgument, "-Prefer (--prefer) says whose points win in a merge, and no merge was asked for.")
        {
            Subject = "-Prefer",
            Remedy = "Give -Merge (--merge) too; a plain restore creates new databases and has nothing to prefer.",
        };

    private async Task<(IReadOnlyList<MergedShard> Shards, IReadOnlySet<(ShardKey Policy, FieldKey Field)> Fields)> MergeAsync(
        MergePlan plan, IMergeTarget target, CancellationToken cancel)
    {
        var sources = plan.Sources;
        var announcement = new FieldAnnouncement(target.Writer, preference, logger);
        var before = await target.ReadMetadataAsync(cancel).ConfigureAwait(false);
        // The plan has just compared the hashes of the files.
        var stored = new PortableShardSource(sources.Stored, StoredHashes.None);
        var creation = await new GroupCreation(target, sources, stored, announcement, MergePlanner.OldestOf, logger).RunAsync(cancel).ConfigureAwait(false);
        var problems = plan.Shards.Where(s => s.Problem is not null).ToList();
        var placement = sources.Place(creation.Metadata, sources.Stored.Keys.Where(s => !creation.Failed.ContainsKey(s) && !creation.Empty.Contains(s)));
        var targets = placement.Targets;

        using var source = new ReshardingSource(stored, placement, sources.WithTombstones, logger);
        var sink = new MergeSink(announcement, preference, targets.ToDictionary(t => t.Key, t => TargetOf(t, target, creation.Metadata, before)), logger);
        var results = await new ShardTransfer(options.Transfer)
            .RunAsync(targets.Select(t => new ShardTask(t.Key, sources.BytesOf(t.Sources))).ToList(), source, sink, cancel).ConfigureAwait(false);

        var merged = targets.Zip(results).Select(pair => Describe(pair.First, pair.Second, sink, source, before.FindShard(pair.First.Key.Id) is null)).ToList();
        merged.AddRange(creation.Failed.Select(f => new MergedShard(null, [f.Key], MergeWay.Skipped, Failed(f.Key, f.Value))));
        merged.AddRange(creation.Empty.Select(e => new MergedShard(null, [e], MergeWay.Skipped, new ShardResult { Shard = e, Outcome = ShardOutcome.Skipped, SkipReason = SkipReason.Empty, Reason = "it holds no points" })));
        merged.AddRange(problems.Select(p => new MergedShard(p.ShardId is { } id ? new ShardKey(p.Database, p.RetentionPolicy, id) : null, p.Sources, MergeWay.Skipped, Failed(p.Sources[0], p.Problem!))));
        var fields = merged.Where(m => m.Result.Outcome == ShardOutcome.Complete)
            .SelectMany(m => sink.FieldsOf(m.Target!).Select(f => (m.Target! with { Id = 0 }, new FieldKey(f.Name.Measurement, f.Name.Field, FieldTypeName.Of(f.Type)))))
            .ToHashSet();
        return (merged, fields);
    }

    private static MergeTarget TargetOf(TargetShard shard, IMergeTarget target, ServerMetadata metadata, ServerMetadata before)
    {
        var policy = metadata.FindDatabase(shard.Key.Database)!.RetentionPolicies.First(p => p.Name == shard.Key.RetentionPolicy);
        var group = policy.ShardGroups.First(g => g.Shards.Any(s => s.ID == shard.Key.Id));
        return new MergeTarget(target.OwnersOf(shard), ShardGroupTimeline.TimesOf(group), MergePlanner.OldestOf(policy), before.FindShard(shard.Key.Id) is null);
    }

    private static MergedShard Describe(TargetShard target, ShardResult result, MergeSink sink, ReshardingSource source, bool isNew)
    {
        var isComplete = result.Outcome == ShardOutcome.Complete;
        return new MergedShard(target.Key, target.Sources.ToList(), MergePlanner.WayOf(target), result)
        {
            IsNew = isNew,
            PointsWritten = sink.PointsWrittenTo(target.Key),
            Files = isComplete ? sink.FilesOf(target.Key) : [],
            DeletesApplied = isComplete ? source.AppliedTo(target.Key) : 0,
        };
    }

    private IMergeTarget CreateTarget() => options.Server switch
    {
        ClusterAccess cluster => new ClusterMergeTarget(cluster, logger),
        _ => new ServerMergeTarget(options.Server.RequireServer("A merge")),
    };

    private static ShardResult Failed(ShardKey shard, InfluxBackupException error) => new() { Shard = shard, Outcome = ShardOutcome.Failed, Error = error };

    /// <summary>The server must show each field that came in, with its type. If it can't be asked, that is not known.</summary>
    private static async Task<(IReadOnlyList<FieldName> Hidden, string? Warning)> FindHiddenAsync(
        IReadOnlySet<(ShardKey Policy, FieldKey Field)> fields, IReadOnlyList<LiveNode> nodes, CancellationToken cancel)
    {
        var hidden = new List<FieldName>();
        try
        {
            foreach (var policy in fields.GroupBy(f => f.Policy))
            {
                var shown = new HashSet<FieldKey>();
                foreach (var node in nodes)
                {
                    shown.UnionWith(await node.HttpOf().ReadFieldKeysAsync(policy.Key.Database, policy.Key.RetentionPolicy, cancel).ConfigureAwait(false));
                }

                hidden.AddRange(policy.Where(f => !shown.Contains(f.Field)).Select(f => new FieldName(f.Field.Measurement, f.Field.Field)));
            }

            return (hidden, null);
        }
        catch (InfluxBackupException e)
        {
            return (hidden, $"Whether the server shows all fields could not be looked up: {e.Message}");
        }
    }

    private static Outcome Judge(IReadOnlyList<MergedShard> shards, bool allShown)
    {
        var failed = shards.Count(s => s.Result.Outcome == ShardOutcome.Failed);
        return failed > 0 && failed == shards.Count ? Outcome.Failed : failed > 0 || !allShown ? Outcome.Partial : Outcome.Complete;
    }

    private static List<string> Warnings(MergePlan plan, IReadOnlyList<MergedShard> shards, IReadOnlyList<FieldName> hidden, string? unknown)
    {
        const int Most = 10;
        var warnings = plan.Warnings.Concat(shards.SelectMany(s => s.Result.Warnings)).Distinct().ToList();
        if (shards.Any(s => s.Result.Outcome == ShardOutcome.Failed))
        {
            warnings.Add("Shards failed. What was merged stays; the same command goes on with the rest.");
        }

        if (unknown is not null)
        {
            warnings.Add(unknown);
        }

        if (hidden.Count > 0)
        {
            warnings.Add($"The server does not show fields whose points it has now: {string.Join(", ", hidden.Take(Most))}{(hidden.Count > Most ? $" and {hidden.Count - Most} more" : "")}. Somebody may have dropped their measurements meanwhile; otherwise merge again.");
        }

        return warnings;
    }
}
