using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>Commands about shard groups, shards and their owners.</summary>
internal static class ShardGroupCommands
{
    /// <summary>Go's times count from the year 1, and so does the grid of shard groups.</summary>
    private static readonly Int128 YearOne = (Int128)(-62_135_596_800) * 1_000_000_000;

    /// <summary>
    /// The group that a point of this time needs, unless there is one: on the grid of the policy's duration, cut where neighbours
    /// are. So many shards that each node gets as many copies; owners from the node list, beginning at a place that the index decides.
    /// </summary>
    public static void Create(Data data, RetentionPolicyInfo policy, long time)
    {
        var nodes = data.DataNodes.Select(n => n.ID).ToList();
        if (nodes.Count == 0 || policy.ShardGroups.Any(g => Takes(g, time)))
        {
            return;
        }

        var replicas = (int)Math.Clamp(policy.ReplicaN, 1u, (uint)nodes.Count);
        var shards = 1;
        while (shards * replicas % nodes.Count != 0)
        {
            shards++;
        }

        var (start, end) = Range(policy, time);
        var group = new ShardGroupInfo { ID = ++data.MaxShardGroupID, StartTime = start, EndTime = end, DeletedAt = 0 };
        for (var (i, node) = (0, (int)(data.Index % (ulong)nodes.Count)); i < shards; i++)
        {
            var shard = new ShardInfo { ID = ++data.MaxShardID };
            for (var j = 0; j < replicas; j++, node++)
            {
                shard.Owners.Add(new ShardOwner { NodeID = nodes[node % nodes.Count] });
            }

            group.Shards.Add(shard);
        }

        var sorted = policy.ShardGroups.Append(group).OrderBy(EffectiveEnd).ThenBy(g => g.StartTime).ToList();
        policy.ShardGroups.Clear();
        policy.ShardGroups.Add(sorted);
    }

    public static void Delete(RetentionPolicyInfo policy, ulong id)
    {
        var group = policy.ShardGroups.FirstOrDefault(g => g.ID == id) ?? throw new MetaCommandRefusedException("shard group not found");
        group.DeletedAt = GoTime.Now;
    }

    public static void Truncate(Data data, long time)
    {
        foreach (var group in Groups(data).Where(g => time < g.EndTime && g.DeletedAt == 0 && !(IsTruncated(g) && g.TruncatedAt < time)))
        {
            group.TruncatedAt = Math.Max(time, group.StartTime);
        }
    }

    /// <summary>A shard that is not there is no error.</summary>
    public static void DropShard(Data data, ulong id)
    {
        if (Groups(data).FirstOrDefault(g => g.Shards.Any(s => s.ID == id)) is { } group)
        {
            group.Shards.Remove(group.Shards.First(s => s.ID == id));
            group.DeletedAt = group.Shards.Count == 0 ? GoTime.Now : group.DeletedAt;
        }
    }

    public static void AddOwner(Data data, ulong id, ulong node)
    {
        if (Find(data, id) is { } shard && shard.Owners.All(o => o.NodeID != node))
        {
            var place = shard.Owners.TakeWhile(o => o.NodeID < node).Count();
            shard.Owners.Insert(place, new ShardOwner { NodeID = node });
        }
    }

    public static void RemoveOwner(Data data, ulong id, ulong node)
    {
        if (Find(data, id) is not { } shard)
        {
            return;
        }

        if (shard.Owners.FirstOrDefault(o => o.NodeID == node) is { } owner)
        {
            shard.Owners.Remove(owner);
        }

        if (shard.Owners.Count == 0)
        {
            DropShard(data, id);
        }
    }

    /// <summary>Whether a new point of this time goes into the group.</summary>
    public static bool Takes(ShardGroupInfo group, long time) =>
        group.DeletedAt == 0 && time >= group.StartTime && time < group.EndTime && (!IsTruncated(group) || time < group.TruncatedAt);

    private static (long Start, long End) Range(RetentionPolicyInfo policy, long time)
    {
        var start = (Int128)time;
        if (policy.ShardGroupDuration > 0)
        {
            start -= (start - YearOne) % policy.ShardGroupDuration;
        }

        var end = Int128.Min(start + policy.ShardGroupDuration, long.MaxValue);
        foreach (var group in policy.ShardGroups.Where(g => g.DeletedAt == 0))
        {
            if (EffectiveEnd(group) is var groupEnd && groupEnd <= time && groupEnd > start)
            {
                start = groupEnd;
            }

            if (group.StartTime > time && group.StartTime < end)
            {
                end = group.StartTime;
            }
        }

        return (GoTime.UnixNano(start), (long)end);
    }

    private static ShardInfo? Find(Data data, ulong id) => Groups(data).SelectMany(g => g.Shards).FirstOrDefault(s => s.ID == id);

    private static IEnumerable<ShardGroupInfo> Groups(Data data) => data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups);

    private static bool IsTruncated(ShardGroupInfo group) => group.TruncatedAt != 0;

    private static long EffectiveEnd(ShardGroupInfo group) => IsTruncated(group) ? group.TruncatedAt : group.EndTime;
}
