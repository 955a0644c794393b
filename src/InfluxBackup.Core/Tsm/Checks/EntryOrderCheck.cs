namespace InfluxBackup.Tsm.Checks;

/// <summary>The blocks of a key follow each other in time and do not overlap.</summary>
internal sealed class EntryOrderCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        if (entry.MinTime > entry.MaxTime)
        {
            Report(walk, walk.Index.EntryOffset,
                $"The index says that the block starts at {TsmTime.Describe(entry.MinTime)}, after its end at {TsmTime.Describe(entry.MaxTime)}.");
        }
        else if (walk.PreviousEntry is { } previous && entry.MinTime <= previous.MaxTime)
        {
            Report(walk, walk.Index.EntryOffset,
                $"Blocks overlap or are out of order: this one starts at {TsmTime.Describe(entry.MinTime)}, " +
                $"the one before ends at {TsmTime.Describe(previous.MaxTime)}.");
        }
        return true;
    }
}
