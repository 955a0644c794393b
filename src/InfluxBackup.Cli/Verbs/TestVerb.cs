using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup test</c>.</summary>
internal sealed class TestVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: true, "Directory of the backup set.");
    private readonly Option<string?> timestamp = CommonOptions.Timestamp("all of them unless given");
    private readonly SelectionOptions selection = new();
    private readonly Option<bool> quick = new("--quick")
    {
        Description = "Check hashes, compression and archive structure, and unpack no points.",
    };

    private readonly Option<DataSubset?> readDataSubset = new("--read-data-subset")
    {
        Description = "Read only a share of the shards deeply: 3/30 is the third of thirty fixed parts, 10% a tenth at random. "
            + "The archives of the others must be there with the right lengths; with --quick they are read as that says.",
        HelpName = "share",
        CustomParser = ArgumentParsers.DataSubset,
    };

    private readonly Option<int?> throttleLimit = CommonOptions.ThrottleLimit();

    public TestVerb()
        : base("test", "Read the backups of a set to the last byte and check that they can be restored.")
    {
        Options.Add(path);
        Options.Add(timestamp);
        selection.AddTo(this);
        Options.Add(quick);
        Options.Add(readDataSubset);
        Options.Add(throttleLimit);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        using var progress = console.BeginTransfer("Testing");
        var operation = new TestOperation(new TestOptions
        {
            Path = arguments.GetRequiredValue(path)!,
            Timestamp = arguments.GetValue(timestamp),
            Selection = selection.Read(arguments),
            Quick = arguments.GetValue(quick),
            ReadDataSubset = arguments.GetValue(readDataSubset),
            Parallelism = arguments.GetValue(throttleLimit),
            Logger = console.Logger,
            Progress = progress,
        });
        var outcomes = new List<Outcome>();
        await foreach (var result in operation.RunAsync(cancel))
        {
            outcomes.Add(result.Outcome);
            console.WriteResult(Shapes.Result(result), () => Lines(result, console.Style));
        }

        return ExitCode.Of(outcomes);
    }

    private static IEnumerable<string> Lines(TestResult result, TextStyle style)
    {
        var verdict = result.IsSound ? style.Green("sound") : style.Red(result.Outcome == Outcome.Partial ? "damaged in part" : "damaged");
        yield return $"Backup {style.Bold(result.Timestamp)}: {verdict}, {Text.Count(result.ShardCount, "shard")}, {Text.Size(result.Bytes)} checked in {Text.Duration(result.Duration)}"
            + (result.DeepShardCount < result.ShardCount + result.FailedShardCount ? $", {result.DeepShardCount} of {Text.Count(result.ShardCount + result.FailedShardCount, "shard")} read deeply" : "")
            + (result.FailedShardCount > 0 ? $", {Text.Count(result.FailedShardCount, "shard")} failed" : "");
        foreach (var finding in result.Findings)
        {
            var severity = finding.Severity == FindingSeverity.Error ? style.Red("error:") : style.Yellow("warning:");
            yield return $"  {severity} {finding.Message} [{finding.Check}]";
        }
    }
}
