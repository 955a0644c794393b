using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>
/// Which shard groups a server would make for points that have none yet. Groups begin at multiples of the policy's group duration; where there
/// are others already, only the times between them count.
/// </summary>
internal static class GroupForecast
{
    /// <summary>The stretches of time, each inside one group to come, that shards have points in and the server no groups for; ascending.</summary>
    /// <param name="policy">The server's policy.</param>
    /// <param name="unplaced">Times without a group.</param>
    public static IEnumerable<TimeRange> Windows(RetentionPolicyInfo policy, IEnumerable<TimeRange> unplaced)
    {
        foreach (var times in unplaced.Distinct().OrderBy(t => t.Min))
        {
            var starts = ShardGroupTimeline.GroupsFor(times, policy.ShardGroupDuration).GetEnumerator();
            var more = starts.MoveNext();
            while (more)
            {
                var start = starts.Current;
                more = starts.MoveNext();
                yield return new TimeRange(start, more ? starts.Current - 1 : times.Max);
            }
        }
    }

    /// <summary>
    /// The server's metadata as they will be: with the missing policies, and with the groups that the backup's shards need. Their shards have
    /// ids that no server has; see <see cref="IsForecast"/>.
    /// </summary>
    /// <param name="target">The server's metadata.</param>
    /// <param name="policies">Policies that it lacks, by database.</param>
    /// <param name="sources">The backup's shards.</param>
    /// <param name="shardsOf">How many shards a group of a policy has.</param>
    /// <param name="most">No more groups than this.</param>
    /// <returns>The metadata; null where there would be more groups.</returns>
    public static ServerMetadata? Complete(ServerMetadata target, IReadOnlyList<(string Database, RetentionPolicyInfo Policy)> policies, MergeSources sources, Func<RetentionPolicyInfo, int> shardsOf, int most)
    {
        var data = target.Data.Clone();
        foreach (var (database, policy) in policies)
        {
            data.Databases.First(d => d.Name == database).RetentionPolicies.Add(policy.Clone());
        }

        var placement = sources.Place(new ServerMetadata(data), sources.Stored.Keys);
        var count = 0;
        var id = ulong.MaxValue;
        foreach (var byPolicy in placement.Unplaced.GroupBy(u => (u.Database, u.RetentionPolicy)).ToList())
        {
            var policy = data.Databases.First(d => d.Name == byPolicy.Key.Database).RetentionPolicies.First(p => p.Name == byPolicy.Key.RetentionPolicy);
            var timeline = new ShardGroupTimeline(policy.ShardGroups);
            var groups = new HashSet<TimeRange>();
            foreach (var window in Windows(policy, byPolicy.Select(u => u.Times)))
            {
                if (groups.Add(GroupAround(window.Min, policy.ShardGroupDuration, timeline)) && ++count > most)
                {
                    return null;
                }
            }

            foreach (var times in groups)
            {
                policy.ShardGroups.Add(Create(times, shardsOf(policy), ref id));
            }
        }

        return new ServerMetadata(data);
    }

    /// <summary>Whether a shard is one that the server is yet to make.</summary>
    public static bool IsForecast(ShardKey shard) => shard.Id > ulong.MaxValue / 2;

    /// <summary>The times of the group that a server would make for a time, without those that other groups have.</summary>
    private static TimeRange GroupAround(long time, long duration, ShardGroupTimeline timeline)
    {
        var all = ShardGroupTimeline.Storable;
        if (duration > 0)
        {
            var reach = (long)Int128.Min((Int128)time + duration, all.Max);
            var next = ShardGroupTimeline.GroupsFor(new TimeRange(time, reach), duration).Skip(1).Select(t => (Int128)t).DefaultIfEmpty((Int128)all.Max + 1).First();
            all = new TimeRange((long)Int128.Max(next - duration, all.Min), (long)(next - 1));
        }

        return timeline.Gaps(all).First(gap => gap.Contains(time));
    }

    private static ShardGroupInfo Create(TimeRange times, int shards, ref ulong id)
    {
        var group = new ShardGroupInfo { ID = id, StartTime = times.Min, EndTime = times.Max + 1, DeletedAt = 0 };
        for (var i = 0; i < shards; i++)
        {
            group.Shards.Add(new Metadata.ShardInfo { ID = id-- });
        }

        return group;
    }
}
