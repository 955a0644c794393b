using System.Numerics;

namespace InfluxBackup.Tsm.Checks;

/// <summary>The times of a block ascend, and the first and the last are those that the index names.</summary>
internal sealed class PointTimesCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        var times = walk.Points.Times;
        if (FirstNotAscending(times) is var i and > 0)
        {
            Report(walk, entry.BlockOffset,
                $"Times do not ascend: point {i} of {times.Length} is at {TsmTime.Describe(times[i])}, the one before at {TsmTime.Describe(times[i - 1])}.");
            return true;
        }
        if (times[0] != entry.MinTime || times[^1] != entry.MaxTime)
        {
            Report(walk, walk.Index.EntryOffset,
                $"The times of the block do not agree with its index entry: the points go from {TsmTime.Describe(times[0])} to {TsmTime.Describe(times[^1])}, " +
                $"the index says {TsmTime.Describe(entry.MinTime)} to {TsmTime.Describe(entry.MaxTime)}.");
        }
        return true;
    }

    /// <summary>Index of the first time that is not later than the one before it; 0 if all are. Several are compared at once.</summary>
    private static int FirstNotAscending(ReadOnlySpan<long> times)
    {
        var i = 1;
        for (; i <= times.Length - Vector<long>.Count; i += Vector<long>.Count)
        {
            if (!Vector.GreaterThanAll(new Vector<long>(times[i..]), new Vector<long>(times[(i - 1)..])))
            {
                break;
            }
        }
        for (; i < times.Length; i++)
        {
            if (times[i] <= times[i - 1])
            {
                return i;
            }
        }
        return 0;
    }
}
