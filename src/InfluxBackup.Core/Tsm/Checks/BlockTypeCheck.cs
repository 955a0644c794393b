namespace InfluxBackup.Tsm.Checks;

/// <summary>The block is of a known type, and of the one that the index names.</summary>
internal sealed class BlockTypeCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        var type = (TsmBlockType)walk.ReadBlocks(walk.Entry.BlockOffset, 1)[0];
        if (!type.IsKnown())
        {
            Report(walk, walk.Entry.BlockOffset, $"Unknown block type {(byte)type}.");
            return false;
        }
        if (type != walk.Index.Type)
        {
            Report(walk, walk.Entry.BlockOffset, $"The block holds {type.Describe()} values, the index says {walk.Index.Type.Describe()}.");
        }
        return true;
    }
}
