namespace InfluxBackup.Tsm.Checks;

/// <summary>The block lies between the header and the index.</summary>
internal sealed class BlockBoundsCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        if (entry.FitsIn(walk.Index.Start))
        {
            walk.Coverage.Add(entry);
            return true;
        }
        walk.Coverage.GiveUp();
        Report(walk, walk.Index.EntryOffset,
            $"The index says that the block has {entry.Size} bytes at offset {(ulong)entry.Offset}; " +
            $"blocks lie between {TsmFormat.HeaderSize} and {walk.Index.Start}.");
        return false;
    }
}
