using InfluxBackup.Tsm;

namespace InfluxBackup.Metadata;

/// <summary>
/// Which shard group of a policy takes a point of which time. The rule is the server's: the group whose [start, end) contains the time, that
/// is not deleted, and that is not truncated at or before it. Where groups overlap, which a policy's change of group duration brings about
/// on some versions, it is the one that ends first, and of those that end together the one that begins first.
/// </summary>
internal sealed class ShardGroupTimeline
{
    /// <summary>The first and the last time that a server stores.</summary>
    public static TimeRange Storable { get; } = new(long.MinValue + 2, long.MaxValue - 1);

    /// <summary>From 0001-01-01, which servers count groups from, to 1970.</summary>
    private static readonly Int128 Epoch = (Int128)62_135_596_800 * 1_000_000_000;

    private readonly List<(TimeRange Times, ShardGroupInfo Group)> segments = [];

    public ShardGroupTimeline(IEnumerable<ShardGroupInfo> groups)
    {
        // Few groups overlap, usually none: each takes what those before it have left.
        var taking = groups.Where(g => g.DeletedAt == 0 && g.Shards.Count > 0)
            .Select(g => (Times: TakenBy(g), Group: g))
            .Where(g => g.Times.Min <= g.Times.Max)
            .OrderBy(g => g.Times.Max).ThenBy(g => g.Times.Min);
        foreach (var (times, group) in taking)
        {
            foreach (var free in Gaps(times).ToList())
            {
                segments.Insert(FirstEndingAtOrAfter(free.Min), (free, group));
            }
        }
    }

    /// <summary>The parts of a stretch of time, ascending, each with its group.</summary>
    public IEnumerable<(TimeRange Times, ShardGroupInfo Group)> Parts(TimeRange times) =>
        From(times).Select(s => (new TimeRange(Math.Max(s.Times.Min, times.Min), Math.Min(s.Times.Max, times.Max)), s.Group));

    /// <summary>The parts of a stretch of time for which there is no group, ascending.</summary>
    public IEnumerable<TimeRange> Gaps(TimeRange times)
    {
        var next = times.Min;
        foreach (var (taken, _) in From(times))
        {
            if (taken.Min > next)
            {
                yield return new TimeRange(next, taken.Min - 1);
            }

            if (taken.Max >= times.Max)
            {
                yield break;
            }

            next = taken.Max + 1;
        }

        yield return new TimeRange(next, times.Max);
    }

    /// <summary>
    /// The times of a group, both ends included. The start of the very first group wraps around to the far end of time: it begins before
    /// everything. A group that ends before it begins holds no time.
    /// </summary>
    public static TimeRange TimesOf(ShardGroupInfo group) =>
        new(
            group.StartTime > group.EndTime ? Storable.Min : Math.Max(group.StartTime, Storable.Min),
            Math.Min(group.EndTime == long.MinValue ? long.MinValue : group.EndTime - 1, Storable.Max));

    /// <summary>Times, one in each group that a server would make for a stretch of time, ascending; the first is its beginning.</summary>
    /// <param name="times">The stretch.</param>
    /// <param name="duration">How long the policy's groups are, in nanoseconds.</param>
    public static IEnumerable<long> GroupsFor(TimeRange times, long duration)
    {
        if (duration <= 0)
        {
            return [times.Min];
        }

        return Starts();

        IEnumerable<long> Starts()
        {
            yield return times.Min;
            for (var start = times.Min - ((times.Min + Epoch) % duration) + duration; start <= times.Max; start += duration)
            {
                yield return (long)start;
            }
        }
    }

    /// <summary>A truncated group takes no new points at or after that time, though it may have some.</summary>
    private static TimeRange TakenBy(ShardGroupInfo group)
    {
        var times = TimesOf(group);
        return group.TruncatedAt == 0 || group.TruncatedAt > times.Max ? times
            : group.TruncatedAt <= times.Min ? new TimeRange(0, -1)
            : times with { Max = group.TruncatedAt - 1 };
    }

    /// <summary>The segments that a stretch of time touches.</summary>
    private IEnumerable<(TimeRange Times, ShardGroupInfo Group)> From(TimeRange times)
    {
        for (var i = FirstEndingAtOrAfter(times.Min); i < segments.Count && segments[i].Times.Min <= times.Max; i++)
        {
            yield return segments[i];
        }
    }

    private int FirstEndingAtOrAfter(long time)
    {
        var (low, high) = (0, segments.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = segments[middle].Times.Max < time ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
