using System.Globalization;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cluster;

/// <summary>Says where the copies of a shard are not what copies should be, as far as that shows from outside.</summary>
public static class OwnerDisagreement
{
    /// <summary>Below this the state of compaction explains any difference.</summary>
    private const long SmallDifference = 64 * 1024;

    private static readonly TimeSpan LongTime = TimeSpan.FromHours(1);

    /// <summary>What is odd about the copies of one shard, or null. Nodes that could not be asked count neither way.</summary>
    public static string? Describe(ShardKey shard, IReadOnlyList<ShardCopy> copies)
    {
        var asked = copies.Where(c => c.IsHeld is not null).ToList();
        var full = asked.Where(c => !c.IsEmpty).ToList();
        if (full.Count == 0)
        {
            return null;
        }

        if (asked.Find(c => c.IsEmpty) is { } empty)
        {
            return $"The owners of {shard} disagree: {empty.Node} {(empty.IsHeld == false ? "does not have it" : "has nothing in it")}, {full[0].Node} does.";
        }

        var sized = full.Where(c => c.Size is not null).OrderBy(c => c.Size).ToList();
        if (sized.Count < 2)
        {
            return null;
        }

        var (smallest, largest) = (sized[0], sized[^1]);
        var difference = largest.Size - smallest.Size;
        if (difference > SmallDifference && smallest.Size < largest.Size / 2)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"The owners of {shard} disagree: it has {smallest.Size} bytes on {smallest.Node} and {largest.Size} bytes on {largest.Node}.");
        }

        var dated = sized.Where(c => c.LastModified is not null).OrderBy(c => c.LastModified).ToList();
        return dated.Count > 1 && difference > SmallDifference && dated[^1].LastModified - dated[0].LastModified > LongTime.Ticks * 100
            ? $"The owners of {shard} disagree: it was last changed {Time(dated[0])} on {dated[0].Node} and {Time(dated[^1])} on {dated[^1].Node}, and its size differs."
            : null;
    }

    private static string Time(ShardCopy copy) =>
        DateTime.UnixEpoch.AddTicks(copy.LastModified!.Value / 100).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
