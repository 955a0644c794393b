using System.CommandLine;
using System.Globalization;
using InfluxBackup.Cli.Output;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cli.Demo;

/// <summary>The stations of the demo. Each is a command as a user would type it, and its real output.</summary>
internal sealed class DemoTour(EmulatedDataNode node, string set, TextStyle style)
{
    private const string Restored = "demo_restored";

    private int station;

    /// <summary>Whether every command succeeded and every point was found again.</summary>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        // This shard has deletes that its server has not yet worked into its files. A backup warns of them; the demo shows the
        // way things normally go.
        node.DropShard(SampleData.ShardWithTombstones);
        var original = DatabasePoints.Read(node, SampleData.Database);

        Headline($"A data node with two databases listens on {node.Address}");
        return await RunCommandAsync(cancel, "shards", "--data-node", node.Address)
            && await StationAsync("It is backed up, while it runs", cancel, "backup", "--path", set, "--data-node", node.Address)
            && await StationAsync("The backup is read back to its last byte", cancel, "test", "--path", set)
            && await StationAsync("What is in it", cancel, "manifest", "--path", set)
            && await StationAsync(
                "One database of it is restored under a new name", cancel,
                "restore", "--path", set, "--data-node", node.Address, "--database", SampleData.Database, "--new-database", Restored)
            && IsThere(original);
    }

    private async Task<bool> StationAsync(string headline, CancellationToken cancel, params string[] arguments)
    {
        Headline(headline);
        return await RunCommandAsync(cancel, arguments);
    }

    private void Headline(string text)
    {
        Console.WriteLine($"{style.Bold($"{++station}. {text}")}");
        Console.WriteLine();
    }

    private static async Task<bool> RunCommandAsync(CancellationToken cancel, params string[] arguments)
    {
        Console.WriteLine($"$ influxbackup {string.Join(' ', arguments)}");
        var exitCode = await CommandTree.Parse(arguments).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, cancel);
        Console.WriteLine();
        cancel.ThrowIfCancellationRequested();
        return exitCode == ExitCode.Complete;
    }

    private bool IsThere(DatabasePoints original)
    {
        Headline($"The data is there: '{SampleData.Database}' before the backup beside '{Restored}' now");
        var restored = DatabasePoints.Read(node, Restored);
        var table = new Table("POLICY", "MEASUREMENT", "FROM", "TO", ">SERIES", ">POINTS", ">RESTORED");
        foreach (var group in original.Keys.GroupBy(k => (k.RetentionPolicy, k.Measurement)).OrderBy(g => g.Key))
        {
            table.Add(
                group.Key.RetentionPolicy, group.Key.Measurement,
                Text.Time(ShardTime.ToDateTime(group.Min(k => k.Time))), Text.Time(ShardTime.ToDateTime(group.Max(k => k.Time))),
                Number(group.Select(k => (k.Series, k.Field)).Distinct().Count()), Number(group.Count()),
                Number(restored.Keys.Count(k => k.RetentionPolicy == group.Key.RetentionPolicy && k.Measurement == group.Key.Measurement)));
        }

        foreach (var line in table.Lines(style: style))
        {
            Console.WriteLine(line);
        }

        var equal = original.CountEqual(restored);
        var isEqual = original.Count > 0 && equal == original.Count && restored.Count == original.Count;
        Console.WriteLine();
        Console.WriteLine(isEqual
            ? $"{Number(original.Count)} points compared, value by value: all equal."
            : style.Red($"{Number(equal)} of {Number(original.Count)} points are equal; there are {Number(restored.Count)} after the restore."));
        Console.WriteLine();
        return isEqual;
    }

    private static string Number(int number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
