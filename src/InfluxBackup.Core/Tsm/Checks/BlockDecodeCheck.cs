namespace InfluxBackup.Tsm.Checks;

/// <summary>The block can be unpacked. Its checksum is right, so this finds what was written wrong, or made to harm.</summary>
internal sealed class BlockDecodeCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        if (entry.BlockSize > TsmFormat.MaxBlockSize)
        {
            Report(walk, entry.BlockOffset,
                $"The block of {entry.BlockSize} bytes was not unpacked: more than {TsmFormat.MaxBlockSize} bytes are not accepted. Its checksum is right.");
            return false;
        }
        try
        {
            walk.PointCounts = walk.Points.Read(TsmBlock.Parse(walk.ReadBlocks(entry.BlockOffset, (int)entry.BlockSize)));
            return true;
        }
        catch (TsmFormatException error)
        {
            Report(walk, entry.BlockOffset + error.Offset,
                $"The block from {TsmTime.Describe(entry.MinTime)} to {TsmTime.Describe(entry.MaxTime)} cannot be unpacked: {error.Message}");
            return false;
        }
    }
}
