using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Output;

/// <summary>A restore for people.</summary>
internal static class RestoreReport
{
    /// <summary>The plan, and how a run of it would end: in vain where there is a conflict.</summary>
    public static int Write(RestorePlan plan, ConsoleOutput console)
    {
        console.WriteResult(Shapes.Plan(plan), () => Lines(plan, console.Style));
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

    public static void Write(RestoreResult result, ConsoleOutput console)
    {
        console.WriteResult(Shapes.Result(result), () => Lines(result, console));
        // A shard that was left out is a warning of the plan and an error of the result: once is enough.
        var errors = result.Shards.Select(s => s.Result.Error?.Message).ToHashSet();
        foreach (var warning in result.Warnings.Where(w => !errors.Contains(w)))
        {
            console.WriteWarning(warning);
        }

        foreach (var shard in result.Shards.Where(s => s.Result.Error is not null))
        {
            console.WriteError(shard.Result.Error!);
        }
    }

    private static IEnumerable<string> Lines(RestorePlan plan, TextStyle style)
    {
        yield return $"What if: {plan}";
        yield return "";
        var table = new Table("DATABASE", "POLICY", ">SHARD", "TO DATABASE", "TO POLICY", ">SIZE", ">DELETES", "PROBLEM");
        foreach (var shard in plan.Shards)
        {
            table.Add(
                shard.Source.Database, shard.Source.RetentionPolicy, $"{shard.Source.Id}", shard.TargetDatabase, shard.TargetRetentionPolicy,
                Text.Size(shard.Archive?.Length), shard.PendingDeletes > 0 ? $"{shard.PendingDeletes}" : "", shard.Problem?.Id ?? "");
        }

        foreach (var line in table.Lines(style: style))
        {
            yield return line;
        }

        foreach (var shard in plan.Shards.Where(s => s.Problem is not null))
        {
            yield return $"{style.Yellow("problem:")} {shard.Problem!.FullMessage}";
        }
    }

    private static IEnumerable<string> Lines(RestoreResult result, ConsoleOutput console)
    {
        var style = console.Style;
        yield return $"Restore of {result.Timestamp} to {result.DataNode ?? result.MetaNode}: {Text.Outcome(result.Outcome, style)}";
        yield return $"  databases  {string.Join(", ", result.Databases.Select(style.Bold))}";
        yield return $"  shards     {Text.Count(result.ShardCount, "shard")}" + (result.FailedShardCount > 0 ? $", {style.Red($"{result.FailedShardCount} failed")}" : "")
            + (result.Shards.Count(s => s.WasThere) is > 0 and var there ? $", {there} of them there already" : "");
        yield return $"  sent       {Text.Size(result.Bytes)} in {Text.Duration(result.Duration)} ({Text.Rate(result.Bytes, result.Duration)})";
        if (result.DeletesApplied > 0)
        {
            yield return $"  deletes    {Text.Count(result.DeletesApplied, "pending delete")} applied";
        }

        if (console.IsVerbose)
        {
            var isCluster = result.MetaNode is not null;
            var table = isCluster ? new Table("SHARD", "OUTCOME", "IN THE CLUSTER", "OWNERS") : new Table("SHARD", "OUTCOME", "ON THE SERVER");
            foreach (var shard in result.Shards)
            {
                string[] cells = [string.Join(", ", shard.Sources), $"{shard.Result.Outcome}", shard.Target?.ToString() ?? "-"];
                table.Add(isCluster ? [.. cells, string.Join(", ", shard.Owners)] : cells);
            }

            foreach (var line in table.Lines("  ", style))
            {
                yield return line;
            }
        }

        foreach (var line in Lines(result.Objects, style))
        {
            yield return line;
        }
    }

    /// <summary>What a snapshot can't carry: restored over HTTP, or named with what is left to do.</summary>
    private static IEnumerable<string> Lines(IReadOnlyList<RestoredObject> objects, TextStyle style)
    {
        var restored = objects.Count(o => o.IsRestored);
        if (restored > 0)
        {
            yield return $"  besides    {string.Join(", ", objects.Where(o => o.IsRestored).GroupBy(o => o.Kind).Select(g => Count(g.Key, g.Count())))}";
        }

        var missing = objects.Where(o => !o.IsRestored).ToList();
        if (missing.Count == 0)
        {
            yield break;
        }

        yield return $"  {style.Yellow("not restored:")}";
        foreach (var item in missing)
        {
            var where = item.Database is { } database ? $" on '{database}'" : "";
            yield return $"    {Name(item.Kind)} '{item.Name}'{where}{(item.Reason is { } reason ? $": {reason}" : "")}";
            if (item.Statement is { } statement)
            {
                yield return $"      {style.Dim(statement)}";
            }
        }
    }

    private static string Name(RestoredObjectKind kind) => kind switch
    {
        RestoredObjectKind.ContinuousQuery => "continuous query",
        RestoredObjectKind.Grant => "grant of user",
        RestoredObjectKind.Subscription => "subscription",
        _ => "user",
    };

    private static string Count(RestoredObjectKind kind, int count) => kind switch
    {
        RestoredObjectKind.ContinuousQuery => count == 1 ? "1 continuous query" : $"{count} continuous queries",
        RestoredObjectKind.Grant => Text.Count(count, "grant"),
        _ => Text.Count(count, "user"),
    };
}
