using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.Metadata;

/// <summary>Metadata with one policy, db.rp, and the shard groups that a test wants.</summary>
internal static class Groups
{
    public static ShardKey Key(ulong id) => new("db", "rp", id);

    public static ShardGroupInfo Of(int id, long start, long end, params int[] shards)
    {
        var group = new ShardGroupInfo { ID = (ulong)id, StartTime = start, EndTime = end, DeletedAt = 0 };
        group.Shards.Add(shards.Select(s => new ShardInfo { ID = (ulong)s }));
        return group;
    }

    public static ServerMetadata Metadata(long duration, params ShardGroupInfo[] groups)
    {
        var policy = new RetentionPolicyInfo { Name = "rp", Duration = 0, ShardGroupDuration = duration, ReplicaN = 1 };
        policy.ShardGroups.Add(groups);
        var database = new DatabaseInfo { Name = "db", DefaultRetentionPolicy = "rp", RetentionPolicies = { policy } };
        return new ServerMetadata(new Data { Term = 1, Index = 1, ClusterID = 1, MaxNodeID = 0, MaxShardGroupID = 999, MaxShardID = 999, Databases = { database } });
    }

    /// <summary>All shards of the source.</summary>
    public static ShardPlacement Place(ServerMetadata source, ServerMetadata target) =>
        ShardPlacement.Create(source, source.Data.Databases[0].RetentionPolicies[0].ShardGroups.SelectMany(g => g.Shards).Select(s => Key(s.ID)), target);

    /// <summary>Groups between 0 and some hundred: mostly beside each other, some overlapping, deleted or truncated. With 1 to 4 shards each.</summary>
    public static ShardGroupInfo[] Random(Random random, int firstId, int most)
    {
        var groups = new List<ShardGroupInfo>();
        var start = random.Next(0, 60);
        for (var i = random.Next(1, most + 1); i > 0; i--)
        {
            var end = start + random.Next(1, 80);
            var id = firstId + (groups.Count * 10);
            var group = Of(id, start, end, [.. Enumerable.Range(id, random.Next(1, 5))]);
            group.DeletedAt = random.Next(8) == 0 ? 1 : 0;
            group.TruncatedAt = random.Next(6) == 0 ? Math.Max(1, start + random.Next(-5, 60)) : 0;
            groups.Add(group);
            start = Math.Max(0, random.Next(5) switch { 0 => start + random.Next(0, 40), 1 => end + random.Next(0, 30), _ => end });
        }

        return [.. groups];
    }

    /// <summary>The group that takes a point, looked for as simply as can be.</summary>
    public static ShardGroupInfo? FindFor(ServerMetadata metadata, long time) =>
        metadata.Data.Databases[0].RetentionPolicies[0].ShardGroups
            .Where(g => g.DeletedAt == 0 && g.StartTime <= time && time < g.EndTime && (g.TruncatedAt == 0 || time < g.TruncatedAt))
            .OrderBy(g => g.TruncatedAt != 0 ? Math.Min(g.TruncatedAt, g.EndTime) : g.EndTime).ThenBy(g => g.StartTime).FirstOrDefault();
}
