namespace InfluxBackup.Tsm.Checks;

/// <summary>The block lies between the header and the index.</summary>
internal sealed class BlockBoundsCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        if (entry.FitsIn(walk.Index.Start))
        {
            // Without overflow: the block is no larger than the file, and a walk that comes to nonsense stops adding.
            walk.CoveredBytes = walk.CoveredBytes < 0 || walk.CoveredBytes > walk.Index.Start ? -1 : walk.CoveredBytes + entry.Size;
            return true;
        }
        walk.CoveredBytes = -1;
        Report(walk, walk.Index.EntryOffset,
            $"The index says that the block has {entry.Size} bytes at offset {(ulong)entry.Offset}; " +
            $"blocks lie between {TsmFormat.HeaderSize} and {walk.Index.Start}.");
        return false;
    }
}
