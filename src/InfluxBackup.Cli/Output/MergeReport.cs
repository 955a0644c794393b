using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Output;

/// <summary>A merge for people and for programs.</summary>
internal static class MergeReport
{
    /// <summary>The plan, and how a run of it would end: in vain where there is a conflict.</summary>
    public static int Write(MergePlan plan, ConsoleOutput console)
    {
        console.WriteResult(Shape(plan), () => Lines(plan, console.Style));
        foreach (var warning in plan.Warnings)
        {
            console.WriteWarning(warning);
        }

        foreach (var conflict in plan.Conflicts)
        {
            console.WriteError(conflict);
        }

        return plan.Conflicts.Count > 0 ? ExitCode.Failed : ExitCode.Complete;
    }

    public static void Write(MergeResult result, ConsoleOutput console)
    {
        console.WriteResult(Shape(result), () => Lines(result, console));
        // A shard that was left out is a warning of the plan and an error of the result: once is enough.
        var errors = result.Shards.Select(s => s.Result.Error?.Message).ToHashSet();
        foreach (var warning in result.Warnings.Where(w => !errors.Contains(w)))
        {
            console.WriteWarning(warning);
        }

        foreach (var error in result.Shards.Select(s => s.Result.Error).OfType<InfluxBackupException>().DistinctBy(e => e.Message))
        {
            console.WriteError(error);
        }
    }

    private static IEnumerable<string> Lines(MergePlan plan, TextStyle style)
    {
        yield return $"What if: merge {plan}";
        yield return "";
        foreach (var policy in plan.NewPolicies)
        {
            yield return $"new policy {policy}: {style.Dim(policy.Statement)}";
        }

        var table = new Table("DATABASE", "POLICY", "FROM", "TO", ">SHARD", "WAY", "OF BACKUP'S SHARDS", ">SIZE", ">DELETES", "");
        foreach (var shard in plan.Shards)
        {
            table.Add(
                shard.Database, shard.RetentionPolicy, Time(shard.Start), Time(shard.End),
                shard.ShardId is { } id ? $"{id}" : shard.CreatesGroup ? "new" : "-", Way(shard.Way), string.Join(", ", shard.Sources.Select(s => s.Id)),
                Text.Size(shard.Bytes), shard.PendingDeletes > 0 ? $"{shard.PendingDeletes}" : "", shard.Problem?.Id ?? shard.Reason ?? "");
        }

        foreach (var line in table.Lines(style: style))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Lines(MergeResult result, ConsoleOutput console)
    {
        var style = console.Style;
        yield return $"Merge of {result.Timestamp} into {result.Target}: {Text.Outcome(result.Outcome, style)}";
        yield return $"  databases  {string.Join(", ", result.Databases.Select(style.Bold))}";
        yield return $"  shards     {Text.Count(result.ShardCount, "shard")}"
            + (result.NewGroupCount > 0 ? $", {result.NewGroupCount} of them new" : "")
            + (result.SkippedShardCount > 0 ? $", {result.SkippedShardCount} passed over" : "")
            + (result.FailedShardCount > 0 ? $", {style.Red($"{result.FailedShardCount} failed")}" : "");
        yield return $"  sent       {Text.Size(result.Bytes)} in {Text.Duration(result.Duration)} ({Text.Rate(result.Bytes, result.Duration)})";
        yield return $"  preferred  {(result.Prefer == MergePreference.Existing ? "what is on the server" : "the backup")}";
        if (result.DeletesApplied > 0)
        {
            yield return $"  deletes    {Text.Count(result.DeletesApplied, "pending delete")} applied";
        }

        if (console.IsVerbose)
        {
            var table = new Table("SHARD", "OUTCOME", "WAY", "OF BACKUP'S SHARDS", ">POINTS WRITTEN", "");
            foreach (var shard in result.Shards)
            {
                table.Add(
                    shard.Target?.ToString() ?? "-", $"{shard.Result.Outcome}", Way(shard.Way), string.Join(", ", shard.Sources.Select(s => s.Id)),
                    $"{shard.PointsWritten}", shard.Result.Reason ?? "");
            }

            foreach (var line in table.Lines("  ", style))
            {
                yield return line;
            }
        }
    }

    private static object Shape(MergePlan plan) => new
    {
        whatIf = true,
        path = plan.Path,
        timestamp = plan.Timestamp,
        target = plan.Target,
        prefer = plan.Prefer,
        databases = plan.Databases,
        newPolicies = plan.NewPolicies.Select(Shape),
        shards = plan.Shards.Select(s => new
        {
            database = s.Database,
            retentionPolicy = s.RetentionPolicy,
            shardId = s.ShardId,
            startTime = s.Start,
            endTime = s.End,
            way = s.Way,
            createsGroup = s.CreatesGroup,
            sourceShardIds = s.Sources.Select(k => k.Id),
            bytes = s.Bytes,
            pendingDeletes = s.PendingDeletes,
            reason = s.Reason,
            problem = s.Problem is null ? null : Json.Of(s.Problem),
        }),
        conflicts = plan.Conflicts.Select(Json.Of),
        warnings = plan.Warnings,
    };

    private static object Shape(MergeResult result) => new
    {
        outcome = result.Outcome,
        path = result.Path,
        timestamp = result.Timestamp,
        target = result.Target,
        prefer = result.Prefer,
        databases = result.Databases,
        newPolicies = result.NewPolicies.Select(Shape),
        startTime = result.StartTime,
        duration = result.Duration,
        shardCount = result.ShardCount,
        skippedShardCount = result.SkippedShardCount,
        failedShardCount = result.FailedShardCount,
        newGroupCount = result.NewGroupCount,
        bytes = result.Bytes,
        deletesApplied = result.DeletesApplied,
        hiddenFields = result.HiddenFields.Select(f => new { measurement = f.Measurement, field = f.Field }),
        shards = result.Shards.Select(s => new
        {
            database = s.Target?.Database,
            retentionPolicy = s.Target?.RetentionPolicy,
            shardId = s.Target?.Id,
            sourceShardIds = s.Sources.Select(k => k.Id),
            way = s.Way,
            isNew = s.IsNew,
            outcome = s.Result.Outcome,
            reason = s.Result.Reason,
            error = s.Result.Error is null ? null : Json.Of(s.Result.Error),
            pointsWritten = s.PointsWritten,
            files = s.Files,
            storedBytes = s.Result.Receipt?.StoredBytes,
            deletesApplied = s.DeletesApplied,
            attempts = s.Result.Attempts,
            duration = s.Result.Duration,
            warnings = s.Result.Warnings.Count == 0 ? null : s.Result.Warnings,
        }),
        warnings = result.Warnings,
    };

    private static object Shape(NewRetentionPolicy policy) => new { database = policy.Database, name = policy.Name, statement = policy.Statement };

    private static string Way(MergeWay way) => way switch
    {
        MergeWay.WholeFiles => "whole files",
        MergeWay.CutByTime => "cut by time",
        MergeWay.CutBySeries => "cut by series",
        MergeWay.CutByTimeAndSeries => "cut by time and series",
        _ => "skipped",
    };

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
