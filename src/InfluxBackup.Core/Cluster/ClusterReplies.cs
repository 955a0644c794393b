using System.Text.Json;
using System.Text.Json.Serialization;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cluster;

/// <summary>The JSON that meta nodes answer with, and what it means here. Go's zero values stand for what is not known.</summary>
internal static class ClusterReplies
{
    /// <summary>How Go writes a time that was never set, whatever the time zone.</summary>
    private const string ZeroYear = "0001-01-01T";

    /// <summary>Reads <c>/show-cluster</c>: <c>{"data":[…],"meta":[…]}</c>, either may be null.</summary>
    public static ClusterNodes Nodes(byte[] json)
    {
        var nodes = Read<NodesShape>(json);
        return new ClusterNodes(
            (nodes.Data ?? []).Select(n => new ClusterDataNode(n.Id, n.TcpAddr ?? "", n.HttpAddr ?? "", n.HttpScheme ?? "", n.Status ?? "", n.Version ?? "")).ToList(),
            (nodes.Meta ?? []).Select(n => new ClusterMetaNode(n.Id, n.Addr ?? "", n.HttpScheme ?? "", n.TcpAddr ?? "", n.Version ?? "")).ToList());
    }

    /// <summary>Reads <c>/show-shards</c>: an array, or null for none.</summary>
    public static IReadOnlyList<ClusterShard> Shards(byte[] json) => (Read<List<ShardShape>?>(json) ?? []).Select(Shard).ToList();

    private static ClusterShard Shard(ShardShape shard) => new(
        new ShardKey(shard.Database ?? "", shard.RetentionPolicy ?? "", shard.Id),
        shard.ReplicaN,
        shard.GroupId,
        Time(shard.Start) ?? 0,
        Time(shard.End) ?? 0,
        Time(shard.Expires),
        Time(shard.TruncatedAt),
        (shard.Owners ?? []).Select(Owner).ToList());

    private static ShardOwnerState Owner(OwnerShape owner)
    {
        // The time is what tells whether the node said anything: a shard that it holds has one, even when it is empty.
        var modified = Time(owner.LastModified);
        var known = modified is not null || !string.IsNullOrEmpty(owner.State);
        return new ShardOwnerState(owner.Id, owner.TcpAddr ?? "", NullIfEmpty(owner.State), modified, known ? owner.Size : null, NullIfEmpty(owner.Error));
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static long? Time(string? text) =>
        string.IsNullOrEmpty(text) || text.StartsWith(ZeroYear, StringComparison.Ordinal) ? null
        : ShardTime.TryParse(text, out var time) ? time
        : throw new JsonException($"'{text}' is not a time.");

    private static T Read<T>(byte[] json) => JsonSerializer.Deserialize<T>(json)!;

    private sealed record NodesShape(
        [property: JsonPropertyName("data")] List<DataNodeShape>? Data,
        [property: JsonPropertyName("meta")] List<MetaNodeShape>? Meta);

    private sealed record DataNodeShape(
        [property: JsonPropertyName("id")] ulong Id,
        [property: JsonPropertyName("tcpAddr")] string? TcpAddr,
        [property: JsonPropertyName("httpAddr")] string? HttpAddr,
        [property: JsonPropertyName("httpScheme")] string? HttpScheme,
        [property: JsonPropertyName("status")] string? Status,
        [property: JsonPropertyName("version")] string? Version);

    private sealed record MetaNodeShape(
        [property: JsonPropertyName("id")] ulong Id,
        [property: JsonPropertyName("addr")] string? Addr,
        [property: JsonPropertyName("httpScheme")] string? HttpScheme,
        [property: JsonPropertyName("tcpAddr")] string? TcpAddr,
        [property: JsonPropertyName("version")] string? Version);

    private sealed record ShardShape(
        [property: JsonPropertyName("id")] ulong Id,
        [property: JsonPropertyName("database")] string? Database,
        [property: JsonPropertyName("retention-policy")] string? RetentionPolicy,
        [property: JsonPropertyName("replica-n")] uint ReplicaN,
        [property: JsonPropertyName("shard-group-id")] ulong GroupId,
        [property: JsonPropertyName("start-time")] string? Start,
        [property: JsonPropertyName("end-time")] string? End,
        [property: JsonPropertyName("expire-time")] string? Expires,
        [property: JsonPropertyName("truncated-at")] string? TruncatedAt,
        [property: JsonPropertyName("owners")] List<OwnerShape>? Owners);

    private sealed record OwnerShape(
        [property: JsonPropertyName("id")] ulong Id,
        [property: JsonPropertyName("tcpAddr")] string? TcpAddr,
        [property: JsonPropertyName("state")] string? State,
        [property: JsonPropertyName("last-modified")] string? LastModified,
        [property: JsonPropertyName("size")] long Size,
        [property: JsonPropertyName("err")] string? Error);
}
