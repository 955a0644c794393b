using System.Globalization;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Output;

/// <summary>A cluster for people.</summary>
internal static class ClusterReport
{
    /// <summary>More of them are in the list that <c>influxbackup shards</c> writes.</summary>
    private const int MostShards = 20;

    public static IEnumerable<string> Lines(ClusterInfo cluster, TextStyle style)
    {
        var health = cluster.IsHealthy ? style.Green("healthy") : style.Yellow(Text.Count(cluster.Problems.Count, "problem"));
        yield return $"Cluster of {cluster.Name}{(cluster.Version is { } version ? $" (InfluxDB {version})" : "")}: {health}";
        yield return $"  databases  {cluster.Databases.Count}";
        yield return $"  shards     {cluster.ShardCount}, {Text.Count(cluster.CopyCount, "copy", "copies")}";
        yield return $"  size       {Text.Size(cluster.Size)}, all copies {Text.Size(cluster.TotalSize)}";
        foreach (var line in MetaNodes(cluster, style).Concat(DataNodes(cluster, style)).Concat(UnderReplicated(cluster, style)))
        {
            yield return line;
        }

        foreach (var problem in cluster.Problems)
        {
            yield return $"{style.Yellow("problem:")} {problem}";
        }
    }

    private static IEnumerable<string> MetaNodes(ClusterInfo cluster, TextStyle style)
    {
        var table = new Table("META NODE", ">ID", "STATE", "ROLE", "VERSION");
        foreach (var node in cluster.MetaNodes)
        {
            table.Add(node.MetaNode, $"{node.NodeId}", node.State.ToWords(), node.IsLeader ? "leader" : "", node.Version ?? "-");
        }

        return table.Lines("  ", style).Prepend("");
    }

    private static IEnumerable<string> DataNodes(ClusterInfo cluster, TextStyle style)
    {
        var table = new Table("DATA NODE", ">ID", "STATE", ">SHARDS", ">SIZE", "HTTP", "VERSION");
        foreach (var node in cluster.DataNodes)
        {
            table.Add(
                node.DataNode,
                $"{node.NodeId}",
                node.State.ToWords(),
                string.Create(CultureInfo.InvariantCulture, $"{node.ShardCount?.ToString(CultureInfo.InvariantCulture) ?? "-"}/{node.OwnedShards}"),
                Text.Size(node.Size),
                node.HttpUri ?? "-",
                node.Version ?? "-");
        }

        return table.Lines("  ", style).Prepend("");
    }

    private static IEnumerable<string> UnderReplicated(ClusterInfo cluster, TextStyle style)
    {
        if (cluster.UnderReplicatedShards.Count == 0)
        {
            return [""];
        }

        var table = new Table("TOO FEW COPIES", ">SHARD", "WANTED", "OWNERS");
        foreach (var shard in cluster.UnderReplicatedShards.Take(MostShards))
        {
            table.Add($"{shard.Database}.{shard.RetentionPolicy}", $"{shard.ShardId}", $"{shard.ReplicationFactor}", string.Join(", ", shard.Owners!));
        }

        var more = cluster.UnderReplicatedShards.Count - MostShards;
        return table.Lines("  ", style).Prepend("").Concat(more > 0 ? [$"  and {more} more"] : []).Append("");
    }
}
