using InfluxBackup.Cli.Output;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cli.Demo;

/// <summary>A cluster loses two nodes, is backed up all the same, and lives on in a smaller one.</summary>
/// <param name="cluster">Three meta nodes and three data nodes with data.</param>
/// <param name="smaller">Two data nodes without.</param>
/// <param name="set">Where backups go.</param>
/// <param name="style">How text looks.</param>
internal sealed class ClusterTour(EmulatedCluster cluster, EmulatedCluster smaller, string set, TextStyle style) : Tour(style)
{
    public override async Task<bool> RunAsync(CancellationToken cancel)
    {
        string[] meta = [.. cluster.MetaNodes.SelectMany(n => new[] { "--meta-node", n.Address })];
        var target = smaller.MetaNodes[0].Address;
        if (!await StationAsync("A cluster of three meta nodes and three data nodes keeps each shard on two or on all of them", cancel, ["cluster", .. meta]))
        {
            return false;
        }

        await cluster.MetaNodes[0].KillAsync();
        await cluster.DataNodes[1].KillAsync();
        return await StationAsync("The leader of the meta nodes dies, and a data node", ExitCode.Partial, cancel, ["cluster", .. meta])
            && await StationAsync("The cluster is backed up: another meta node leads, and each shard still has an owner", cancel, ["backup", "--path", set, .. meta])
            && await StationAsync("The backup is read back to its last byte", cancel, "test", "--path", set)
            && await StationAsync($"Everything is restored to another cluster, {target}, which has two data nodes", cancel, "restore", "--path", set, "--meta-node", target)
            && IsThere();
    }

    /// <summary>Compares the files of the data nodes: what the backup says of itself does not count.</summary>
    private bool IsThere()
    {
        Headline("The data is there, on every owner: the files of all data nodes are compared");
        var table = new Table("DATABASE", "POLICY", ">COPIES", ">NOW", ">SHARDS", ">NOW", ">POINTS", ">RESTORED");
        var (before, after) = (Shards(cluster), Shards(smaller));
        var (points, copies, wrong) = (0, 0, 0);
        foreach (var policy in before.Concat(after).Select(s => (s.Key.Database, s.Key.RetentionPolicy)).Distinct())
        {
            var (original, restored) = (Points(cluster, policy), Points(smaller, policy));
            var (then, now) = (Of(before, policy), Of(after, policy));
            table.Add(
                policy.Database, policy.RetentionPolicy, Copies(cluster, then), Copies(smaller, now), Number(then.Count), Number(now.Count), Number(original.Count), Number(restored.Count));
            points += original.Count;
            wrong += original.Count(p => !IsIn(restored, p)) + restored.Count(p => !IsIn(original, p));
            foreach (var held in now.Select(s => smaller.OwnersOf(s.Key.Id).Select(o => o.ReadPoints(s.Key)).ToList()))
            {
                copies += held.Sum(h => h.Count);
                wrong += held.Sum(h => h.Count(p => !IsIn(original, p)) + held.Max(other => other.Count) - h.Count);
            }
        }

        Print(table);
        var isEqual = points > 0 && wrong == 0;
        Console.WriteLine(isEqual
            ? $"{Number(points)} points compared, value by value, in {Number(copies)} copies: all equal."
            : Style.Red($"{Number(wrong)} copies of {Number(points)} points are missing or wrong."));
        Console.WriteLine();
        return isEqual;
    }

    private static bool IsIn(Dictionary<(string Series, string Field, long Time), object> points, KeyValuePair<(string Series, string Field, long Time), object> point) =>
        points.TryGetValue(point.Key, out var value) && value.Equals(point.Value);

    private static List<ShardDescription> Shards(EmulatedCluster cluster) =>
        [.. ServerMetadata.Parse(cluster.Metadata.ReadBytes(), "cluster").Shards.Where(s => !s.IsDeleted)];

    private static List<ShardDescription> Of(List<ShardDescription> shards, (string Database, string RetentionPolicy) policy) =>
        shards.FindAll(s => (s.Key.Database, s.Key.RetentionPolicy) == policy);

    private static string Copies(EmulatedCluster cluster, List<ShardDescription> shards) =>
        string.Join('/', shards.Select(s => cluster.OwnersOf(s.Key.Id).Count).Distinct().Order());

    private static Dictionary<(string Series, string Field, long Time), object> Points(EmulatedCluster cluster, (string Database, string RetentionPolicy) policy) =>
        cluster.ReadPoints(policy.Database).Where(p => p.Key.RetentionPolicy == policy.RetentionPolicy).ToDictionary(p => (p.Key.Series, p.Key.Field, p.Key.Time), p => p.Value);
}
