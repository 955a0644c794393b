using InfluxBackup.Cli.Output;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cli.Demo;

/// <summary>A data node is backed up, and one of its databases is restored beside itself.</summary>
internal sealed class DemoTour(EmulatedDataNode node, string set, TextStyle style) : Tour(style)
{
    private const string Restored = "demo_restored";

    public override async Task<bool> RunAsync(CancellationToken cancel)
    {
        // This shard has deletes that its server has not yet worked into its files. A backup warns of them; the demo shows the
        // way things normally go.
        node.DropShard(SampleData.ShardWithTombstones);
        var original = DatabasePoints.Read(node, SampleData.Database);

        return await StationAsync($"A data node with two databases listens on {node.Address}", cancel, "shards", "--data-node", node.Address)
            && await StationAsync("It is backed up, while it runs", cancel, "backup", "--path", set, "--data-node", node.Address)
            && await StationAsync("The backup is read back to its last byte", cancel, "test", "--path", set)
            && await StationAsync("What is in it", cancel, "manifest", "--path", set)
            && await StationAsync(
                "One database of it is restored under a new name", cancel,
                "restore", "--path", set, "--data-node", node.Address, "--database", SampleData.Database, "--new-database", Restored)
            && IsThere(original);
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

        Print(table);
        var equal = original.CountEqual(restored);
        var isEqual = original.Count > 0 && equal == original.Count && restored.Count == original.Count;
        Console.WriteLine(isEqual
            ? $"{Number(original.Count)} points compared, value by value: all equal."
            : Style.Red($"{Number(equal)} of {Number(original.Count)} points are equal; there are {Number(restored.Count)} after the restore."));
        Console.WriteLine();
        return isEqual;
    }
}
