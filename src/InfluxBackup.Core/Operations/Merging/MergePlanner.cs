using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>
/// Decides what a merge will do. Everything that can be known beforehand is found out here: whether the archives are sound, where their points
/// belong on the server, whether a field has another type there. The server is only read.
/// </summary>
internal sealed class MergePlanner(RestoreOptions options, MergePreference preference, IMergeTarget place)
{
    /// <summary>A server with more new groups than this has other troubles.</summary>
    private const int MostNewGroups = 20_000;

    private readonly RestoreFindings findings = new(options.AllowPartial);
    private readonly List<(string Database, RetentionPolicyInfo Policy)> newPolicies = [];

    public async Task<MergePlan> PlanAsync(CancellationToken cancel)
    {
        CheckOptions();
        var choice = new RestoreSelection(options, findings).Choose();
        await place.ExamineAsync(findings, cancel).ConfigureAwait(false);
        var target = await place.ReadMetadataAsync(cancel).ConfigureAwait(false);
        CheckDatabases(choice, target);

        var stored = choice.Shards.ToDictionary(s => s.Key, s => s.Stored);
        var examined = await ExamineAsync(stored, cancel).ConfigureAwait(false);
        var sound = examined.Where(e => e.Problem is null && e.Fields!.Times is not null).ToDictionary(e => e.Shard);
        var sources = new MergeSources(
            choice.Point.Metadata,
            sound.ToDictionary(e => e.Key, e => stored[e.Key]),
            sound.ToDictionary(e => e.Key, e => e.Value.Fields!.Times!.Value),
            sound.Values.Where(e => e.HasTombstones).Select(e => e.Shard).ToHashSet(),
            TargetOf);
        var shards = examined.Where(e => !sound.ContainsKey(e.Shard)).Select(e => Skipped(e, stored[e.Shard])).ToList();
        if (findings.Conflicts.All(c => c.Id is not ("DatabaseNotFound" or "TargetIsCluster" or "DataNodeDown")))
        {
            var placed = await PlaceAsync(target, sources, sound, cancel).ConfigureAwait(false);
            var leftOut = placed.Where(p => p.Problem is not null).SelectMany(p => p.Sources).ToHashSet();
            shards.AddRange(placed.Select(p => LeaveOut(p, leftOut)));
            sources = sources.Without(leftOut);
        }

        return new MergePlan
        {
            Path = choice.Point.Newest.Directory,
            Timestamp = choice.Point.Newest.Timestamp,
            Target = options.Server.Name,
            Prefer = preference,
            Shards = shards.OrderBy(s => s.Database, StringComparer.Ordinal).ThenBy(s => s.RetentionPolicy, StringComparer.Ordinal).ThenBy(s => s.Start).ToList(),
            NewPolicies = newPolicies.Select(p => new NewRetentionPolicy(p.Database, p.Policy.Name, PolicyStatement(p.Database, p.Policy))).ToList(),
            Conflicts = findings.Conflicts,
            Warnings = findings.Warnings.Distinct().ToList(),
            Sources = sources,
        };
    }

    /// <summary>The oldest time of which a policy takes points: what is older is refused, or was removed. A minute for clocks that differ.</summary>
    public static long? OldestOf(RetentionPolicyInfo policy) =>
        policy.Duration > 0 ? (long)Int128.Max((Int128)ShardTime.FromDateTime(DateTimeOffset.UtcNow) - policy.Duration + 60_000_000_000, long.MinValue) : null;

    private (string Database, string RetentionPolicy) TargetOf(ShardKey shard) =>
        (options.NewDatabase ?? shard.Database, options.NewRetentionPolicy ?? shard.RetentionPolicy);

    /// <summary>Only points are merged; and a merge always goes on where an earlier one was.</summary>
    private void CheckOptions()
    {
        (string PowerShell, string CommandLine, bool IsGiven)[] excluded =
        [
            ("-Resume", "--resume", options.Resume), ("-MetadataOnly", "--metadata-only", options.MetadataOnly), ("-IncludeMetadata", "--include-metadata", options.IncludeMetadata),
            ("-NewDuration", "--new-duration", options.NewDuration is not null), ("-NewReplicationFactor", "--new-replication-factor", options.NewReplicationFactor is not null),
        ];
        if (excluded.FirstOrDefault(e => e.IsGiven) is { IsGiven: true } one)
        {
            throw new InfluxBackupException("MergeOptionInvalid", ErrorKind.InvalidArgument, $"A merge brings points into policies that exist: {one.PowerShell} ({one.CommandLine}) makes no sense with -Merge (--merge).")
            {
                Subject = one.PowerShell,
                Remedy = "A merge that was broken off goes on when it is run again as it is. Policies are changed with ALTER RETENTION POLICY.",
            };
        }
    }

    /// <summary>The database must be there, or there is nothing to merge into. A policy that it lacks is made: that changes nothing that is there.</summary>
    private void CheckDatabases(RestoreChoice choice, ServerMetadata target)
    {
        foreach (var (source, name) in choice.Databases.Select(d => (d, options.NewDatabase ?? d)))
        {
            if (target.FindDatabase(name) is not { } database)
            {
                findings.Conflicts.Add(new InfluxBackupException("DatabaseNotFound", ErrorKind.NotFound, $"There is no database '{name}' on {place.Name} to merge into.")
                {
                    Subject = name,
                    Remedy = "Restore it without -Merge (--merge), or name the one to merge into with -NewDatabase (--new-database).",
                });
                continue;
            }

            foreach (var policy in choice.Shards.Where(s => s.Key.Database == source).Select(s => s.Key.RetentionPolicy).Distinct())
            {
                var wanted = options.NewRetentionPolicy ?? policy;
                if (database.RetentionPolicies.All(p => p.Name != wanted) && newPolicies.All(p => p.Database != name || p.Policy.Name != wanted))
                {
                    var copy = choice.Point.Metadata.FindDatabase(source)!.RetentionPolicies.First(p => p.Name == policy).Clone();
                    copy.Name = wanted;
                    copy.ShardGroups.Clear();
                    newPolicies.Add((name, copy));
                }
            }
        }
    }

    private sealed record Examined(ShardKey Shard, ShardFields? Fields, bool HasTombstones, InfluxBackupException? Problem);

    /// <summary>Reads every archive to its end, and the indexes in it.</summary>
    private async Task<List<Examined>> ExamineAsync(Dictionary<ShardKey, StoredShard> shards, CancellationToken cancel)
    {
        var fields = new ShardFieldsSink();
        var checkedOnly = options.Transfer with { MaxAttempts = 1, Progress = null, Logger = NullLogger.Instance };
        var results = await new ShardTransfer(checkedOnly)
            .RunAsync(shards.Select(s => new ShardTask(s.Key, s.Value.Entry.Size)).ToList(), new PortableShardSource(shards, StoredHashes.One), fields, cancel).ConfigureAwait(false);
        return results.Select(r =>
        {
            findings.Warnings.AddRange(r.Warnings);
            var problem = r.Error ?? RestoreSelection.FindUnsafeName(new ChosenShard(r.Shard, shards[r.Shard]), r.Archive!);
            if (problem is not null)
            {
                findings.Report(problem);
            }

            return new Examined(r.Shard, problem is null ? fields[r.Shard] : null, r.Archive?.Tombstones.Any() ?? false, problem);
        }).ToList();
    }

    private PlannedMergeShard Skipped(Examined shard, StoredShard stored)
    {
        var (database, policy) = TargetOf(shard.Shard);
        var known = stored.Backup.Metadata.FindShard(shard.Shard.Id)!;
        return new PlannedMergeShard
        {
            Database = database,
            RetentionPolicy = policy,
            Start = ShardTime.ToDateTime(known.Start),
            End = ShardTime.ToDateTime(known.End),
            Sources = [shard.Shard],
            Way = MergeWay.Skipped,
            PendingDeletes = shard.Fields?.PendingDeletes ?? 0,
            Bytes = stored.Entry.Size,
            Reason = shard.Problem is null ? "it holds no points" : shard.Problem.Message,
            Problem = shard.Problem,
        };
    }

    private async Task<IReadOnlyList<PlannedMergeShard>> PlaceAsync(
        ServerMetadata target, MergeSources sources, Dictionary<ShardKey, Examined> examined, CancellationToken cancel)
    {
        var forecast = GroupForecast.Complete(target, newPolicies, sources, place.ShardsOf, MostNewGroups);
        if (forecast is null)
        {
            findings.Conflicts.Add(new InfluxBackupException("TooManyShardGroups", ErrorKind.Unsupported, $"The backup's points need more than {MostNewGroups} new shard groups on {place.Name}: the shard duration of its policy is much shorter than the backup's.")
            {
                Remedy = "Give the policy a longer shard duration first: ALTER RETENTION POLICY ... SHARD DURATION ...",
            });
            return [];
        }

        var placement = sources.Place(forecast, sources.Stored.Keys);
        var types = new FieldTypeComparison(place, options);
        var planned = new List<PlannedMergeShard>();
        foreach (var shard in placement.Targets)
        {
            var problem = await types.CompareAsync(shard, target, shard.Sources.Select(s => (s, examined[s].Fields!)), cancel).ConfigureAwait(false);
            planned.Add(Plan(shard, forecast, sources, examined, problem ?? FindExpired(shard.Key, forecast)));
        }

        foreach (var problem in planned.Select(p => p.Problem).OfType<InfluxBackupException>().DistinctBy(p => p.Message))
        {
            findings.Report(problem);
        }

        return planned;
    }

    private static PlannedMergeShard Plan(
        TargetShard shard, ServerMetadata forecast, MergeSources sources, Dictionary<ShardKey, Examined> examined, InfluxBackupException? problem)
    {
        var isNew = GroupForecast.IsForecast(shard.Key);
        var group = forecast.FindShard(shard.Key.Id)!;
        return new PlannedMergeShard
        {
            Database = shard.Key.Database,
            RetentionPolicy = shard.Key.RetentionPolicy,
            ShardId = isNew ? null : shard.Key.Id,
            Start = ShardTime.ToDateTime(group.Start),
            End = ShardTime.ToDateTime(group.End),
            Sources = shard.Sources.ToList(),
            Way = problem is null ? WayOf(shard) : MergeWay.Skipped,
            CreatesGroup = isNew && problem is null,
            PendingDeletes = shard.Sources.Sum(s => examined[s].Fields!.PendingDeletes),
            Bytes = sources.BytesOf(shard.Sources),
            Reason = problem?.Message,
            Problem = problem,
        };
    }

    /// <summary>A shard of the backup that can't be merged into one shard is not merged into others either: half of it would look like all of it.</summary>
    private static PlannedMergeShard LeaveOut(PlannedMergeShard shard, HashSet<ShardKey> leftOut)
    {
        var left = shard.Sources.Where(s => !leftOut.Contains(s)).ToList();
        return shard.Problem is not null || left.Count == shard.Sources.Count ? shard
            : left.Count > 0 ? shard with { Sources = left }
            : shard with { Way = MergeWay.Skipped, CreatesGroup = false, Reason = "another part of the same shard of the backup can't be merged" };
    }

    internal static MergeWay WayOf(TargetShard shard) => (shard.Pieces.Any(p => p.Times is not null), shard.Pieces.Any(p => p.Slots > 1)) switch
    {
        (false, false) => MergeWay.WholeFiles,
        (true, false) => MergeWay.CutByTime,
        (false, true) => MergeWay.CutBySeries,
        _ => MergeWay.CutByTimeAndSeries,
    };

    /// <summary>A group that its policy does not keep any more: the server refuses its points, or removes it within half an hour.</summary>
    private static InfluxBackupException? FindExpired(ShardKey shard, ServerMetadata forecast)
    {
        var policy = forecast.FindDatabase(shard.Database)!.RetentionPolicies.First(p => p.Name == shard.RetentionPolicy);
        return OldestOf(policy) is { } oldest && forecast.FindShard(shard.Id)!.End <= oldest
            ? FieldAnnouncement.BeyondRetention(shard, $"it keeps {TimeSpan.FromTicks(policy.Duration / 100)} (days.hours:minutes:seconds), the backup has shards that are older as a whole")
            : null;
    }

    private string PolicyStatement(string database, RetentionPolicyInfo policy) =>
        FormattableString.Invariant($"CREATE RETENTION POLICY {InfluxQl.Identifier(policy.Name)} ON {InfluxQl.Identifier(database)} DURATION {(policy.Duration == 0 ? "INF" : $"{policy.Duration}ns")} REPLICATION {place.ReplicationOf(policy)} SHARD DURATION {policy.ShardGroupDuration}ns");
}
