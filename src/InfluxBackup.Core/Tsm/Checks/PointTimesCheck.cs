namespace InfluxBackup.Tsm.Checks;

/// <summary>The times of a block ascend, and the first and the last are those that the index names.</summary>
internal sealed class PointTimesCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        var times = walk.Points.Times;
        for (var i = 1; i < times.Length; i++)
        {
            if (times[i] <= times[i - 1])
            {
                Report(walk, entry.BlockOffset,
                    $"Times do not ascend: point {i} of {times.Length} is at {TsmTime.Describe(times[i])}, the one before at {TsmTime.Describe(times[i - 1])}.");
                return true;
            }
        }
        if (times[0] != entry.MinTime || times[^1] != entry.MaxTime)
        {
            Report(walk, walk.Index.EntryOffset,
                $"The times of the block do not agree with its index entry: the points go from {TsmTime.Describe(times[0])} to {TsmTime.Describe(times[^1])}, " +
                $"the index says {TsmTime.Describe(entry.MinTime)} to {TsmTime.Describe(entry.MaxTime)}.");
        }
        return true;
    }
}
