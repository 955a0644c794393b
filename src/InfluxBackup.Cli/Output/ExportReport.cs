using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Output;

/// <summary>An export for people.</summary>
internal static class ExportReport
{
    public static IEnumerable<string> Lines(ExportPlan plan)
    {
        yield return $"Would export {plan}:";
        foreach (var policy in plan.Shards.GroupBy(s => (s.Database, s.RetentionPolicy)))
        {
            yield return $"  {policy.Key.Database}.{policy.Key.RetentionPolicy}: {Text.Count(policy.Count(), "shard")}";
        }
    }

    public static void Write(ExportResult result, ConsoleOutput console)
    {
        foreach (var warning in result.Warnings)
        {
            console.WriteWarning(warning);
        }

        console.WriteResult(Shapes.Result(result), () => Lines(result, console.Style));
    }

    private static IEnumerable<string> Lines(ExportResult result, TextStyle style)
    {
        foreach (var file in result.Files.Where(f => f.Path != "-"))
        {
            yield return $"{style.Bold(file.Path)}: {file.Lines:N0} lines, {file.Points:N0} points, {file.Series:N0} series, {Text.Size(file.Bytes)}";
        }

        var verdict = result.Outcome == Outcome.Complete ? style.Green("complete") : style.Yellow("partial");
        yield return $"Export of {result.Source}: {verdict}, {result.Points:N0} points in {result.Lines:N0} lines of {Text.Count(result.ShardCount, "shard")} in {Text.Duration(result.Duration)}";
        foreach (var finding in result.Findings)
        {
            yield return $"  {style.Yellow("missing:")} {finding.Message} [{finding.Check}]";
        }

        if (result.FindingCount > result.Findings.Count)
        {
            yield return $"  … and {result.FindingCount - result.Findings.Count} more";
        }
    }
}
