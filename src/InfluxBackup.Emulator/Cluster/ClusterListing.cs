using System.Text.Json.Serialization;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>What meta nodes tell about the cluster, in the JSON of influxdb-cluster 1.8.11-c1.2.0.</summary>
internal static class ClusterListing
{
    public sealed record MetaStatus(
        [property: JsonPropertyName("nodeType")] string NodeType, [property: JsonPropertyName("leader")] string Leader,
        [property: JsonPropertyName("httpAddr")] string HttpAddress, [property: JsonPropertyName("raftAddr")] string RaftAddress,
        [property: JsonPropertyName("peers")] IReadOnlyList<string>? Peers);

    public sealed record NodeList([property: JsonPropertyName("data")] IReadOnlyList<DataNode>? Data, [property: JsonPropertyName("meta")] IReadOnlyList<MetaNode>? Meta);

    public sealed record DataNode(
        [property: JsonPropertyName("id")] ulong Id, [property: JsonPropertyName("tcpAddr")] string TcpAddress, [property: JsonPropertyName("httpAddr")] string HttpAddress,
        [property: JsonPropertyName("httpScheme")] string HttpScheme, [property: JsonPropertyName("status")] string Status, [property: JsonPropertyName("version")] string Version);

    public sealed record MetaNode(
        [property: JsonPropertyName("id")] ulong Id, [property: JsonPropertyName("addr")] string Address, [property: JsonPropertyName("httpScheme")] string HttpScheme,
        [property: JsonPropertyName("tcpAddr")] string TcpAddress, [property: JsonPropertyName("version")] string Version);

    public sealed record Shard(
        [property: JsonPropertyName("id")] ulong Id, [property: JsonPropertyName("database")] string Database, [property: JsonPropertyName("retention-policy")] string RetentionPolicy,
        [property: JsonPropertyName("replica-n")] uint ReplicaN, [property: JsonPropertyName("shard-group-id")] ulong GroupId,
        [property: JsonPropertyName("start-time")] string Start, [property: JsonPropertyName("end-time")] string End,
        [property: JsonPropertyName("expire-time")] string Expires, [property: JsonPropertyName("truncated-at")] string TruncatedAt,
        [property: JsonPropertyName("owners")] IReadOnlyList<Owner> Owners);

    public sealed record Owner(
        [property: JsonPropertyName("id")] ulong Id, [property: JsonPropertyName("tcpAddr")] string TcpAddress, [property: JsonPropertyName("state")] string State,
        [property: JsonPropertyName("last-modified")] string LastModified, [property: JsonPropertyName("size")] long Size, [property: JsonPropertyName("err")] string Error);

    /// <summary>The raft addresses; null without a leader.</summary>
    public static IReadOnlyList<string>? Peers(EmulatedMetaNode node) => node.Cluster.Leader is null ? null : [.. node.Cluster.MetaNodes.Select(n => n.RaftAddress)];

    public static MetaStatus Status(EmulatedMetaNode node) => new("meta", node.Cluster.Leader?.RaftAddress ?? "", node.Address, node.RaftAddress, Peers(node));

    /// <summary>All nodes, the dead ones too: those have no scheme and no version, because they no longer announce themselves.</summary>
    public static NodeList Nodes(EmulatedMetaNode node)
    {
        var data = node.Read();
        if (node.Cluster.Leader is null)
        {
            return new NodeList(null, null);
        }

        var dataNodes = data.DataNodes.Select(n => (Info: n, Node: node.Cluster.DataNodes.Find(d => d.NodeId == n.ID && node.Cluster.IsAnnounced(d.DiedAt))))
            .Select(n => new DataNode(n.Info.ID, n.Info.TCPHost, n.Info.Host, n.Node?.HttpScheme ?? "", "joined", n.Node is null ? "" : EmulatedCluster.Version))
            .ToList();
        var metaNodes = data.MetaNodes.Select(n => (Info: n, Node: node.Cluster.MetaNodes.Find(m => m.Address == n.Host && node.Cluster.IsAnnounced(m.DiedAt))))
            .Select(n => new MetaNode(n.Info.ID, n.Info.Host, n.Node?.Scheme ?? "", n.Info.TCPHost, n.Node is null ? "" : EmulatedCluster.Version))
            .ToList();
        return new NodeList(dataNodes.Count > 0 ? dataNodes : null, metaNodes.Count > 0 ? metaNodes : null);
    }

    /// <summary>The shards of groups that are neither deleted nor expired; null where there are none.</summary>
    /// <param name="node">Who is asked.</param>
    /// <param name="asksDataNodes">Whether each data node is asked what it has of each shard.</param>
    public static IReadOnlyList<Shard>? Shards(EmulatedMetaNode node, bool asksDataNodes)
    {
        var data = node.Read();
        var shards =
            from database in data.Databases
            from policy in database.RetentionPolicies
            from shardGroup in policy.ShardGroups
            where shardGroup.DeletedAt == 0 && !(Expiry(policy, shardGroup) < GoTime.Now)
            from shard in shardGroup.Shards
            let key = new ShardKey(database.Name, policy.Name, shard.ID)
            select new Shard(
                shard.ID, database.Name, policy.Name, policy.ReplicaN, shardGroup.ID, GoTime.Format(shardGroup.StartTime), GoTime.Format(shardGroup.EndTime),
                GoTime.Format(Expiry(policy, shardGroup)), GoTime.Format(shardGroup.TruncatedAt == 0 ? null : shardGroup.TruncatedAt),
                [.. shard.Owners.Select(o => OwnerOf(node, data, key, o.NodeID, asksDataNodes))]);
        return shards.ToList() is { Count: > 0 } list ? list : null;
    }

    private static EmulatedDataNode? Find(EmulatedMetaNode node, ulong id) => node.Cluster.DataNodes.Find(n => n.NodeId == id && n.IsRunning);

    private static long? Expiry(RetentionPolicyInfo policy, ShardGroupInfo shardGroup) => policy.Duration == 0 ? null : shardGroup.EndTime + policy.Duration;

    private static Owner OwnerOf(EmulatedMetaNode node, Data data, ShardKey shard, ulong id, bool asksDataNode)
    {
        var address = data.DataNodes.FirstOrDefault(n => n.ID == id)?.TCPHost ?? "";
        if (!asksDataNode)
        {
            return new Owner(id, address, "", GoTime.Format(null), 0, "");
        }

        if (Find(node, id) is not { } owner || owner.Shards.Find(shard.Id) is not { } found)
        {
            return new Owner(id, address, "", GoTime.Format(null), 0, "not found");
        }

        var (size, modified, tsmFiles) = owner.Shards.Measure(found);
        var state = tsmFiles > 1 ? "hot" : "cold"; // Cold is what needs no compaction.
        return new Owner(id, address, state, GoTime.Format(modified is { } time ? GoTime.UnixNano(GoTime.Of(time)) : 0), size, "");
    }
}
