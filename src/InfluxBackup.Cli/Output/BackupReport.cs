using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Output;

/// <summary>A backup for people.</summary>
internal static class BackupReport
{
    public static void Write(BackupResult result, ConsoleOutput console)
    {
        console.WriteResult(Shapes.Result(result), () => Lines(result, console.Style));
        foreach (var warning in result.Warnings)
        {
            console.WriteWarning(warning);
        }

        foreach (var shard in result.Shards.Where(s => s.Error is not null))
        {
            console.WriteError(shard.Error!);
        }

        if (result.Timestamp is null && result.Outcome == Outcome.Partial)
        {
            console.WriteNote("No backup was kept. Give --allow-partial to keep what could be had.");
        }
    }

    public static IEnumerable<string> Lines(BackupPlan plan, TextStyle style)
    {
        yield return $"{(plan.EstimatedBytesPerSecond is null ? "What if" : "Estimate")}: {plan}";
        yield return "";
        var isCluster = plan.DataNode is null;
        string[] columns = ["DATABASE", "POLICY", ">SHARD", "START", "END", ">SIZE"];
        var table = new Table(isCluster ? [.. columns, "FROM"] : columns);
        foreach (var planned in plan.Shards)
        {
            var shard = planned.Shard;
            string[] cells =
            [
                shard.Key.Database, shard.Key.RetentionPolicy, $"{shard.Key.Id}", Text.Time(ShardTime.ToDateTime(shard.Start)), Text.Time(ShardTime.ToDateTime(shard.End)), Text.Size(planned.ExpectedBytes),
            ];
            table.Add(isCluster ? [.. cells, planned.DataNode ?? ""] : cells);
        }

        foreach (var line in table.Lines(style: style).Concat(plan.Warnings.Select(w => $"{style.Yellow("warning:")} {w}")))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Lines(BackupResult result, TextStyle style)
    {
        var version = result.ServerVersion is { } known ? $" (InfluxDB {known})" : "";
        yield return $"Backup of {result.Source}{version}: {Text.Outcome(result.Outcome, style)}";
        var databases = result.Shards.Where(s => s.Outcome == ShardOutcome.Complete).Select(s => s.Shard.Database).Distinct().Count();
        var unchanged = result.UnchangedShardCount;
        var skipped = result.Shards.Count(s => s.Outcome == ShardOutcome.Skipped) - unchanged;
        yield return $"  shards   {Text.Count(result.ShardCount, "shard")} of {Text.Count(databases, "database")}"
            + (unchanged > 0 ? $", {unchanged} unchanged" : "")
            + (skipped > 0 ? $", {skipped} skipped" : "")
            + (result.FailedShardCount > 0 ? $", {style.Red($"{result.FailedShardCount} failed")}" : "");
        yield return $"  read     {Text.Size(result.Bytes)} in {Text.Duration(result.Duration)} ({Text.Rate(result.Bytes, result.Duration)})";
        if (result.Timestamp is { } timestamp)
        {
            yield return $"  stored   {Text.Size(result.StoredBytes)} in {result.Path}";
            yield return $"  backup   {style.Bold(timestamp)}";
        }
    }
}
