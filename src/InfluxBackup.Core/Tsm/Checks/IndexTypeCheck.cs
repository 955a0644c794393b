namespace InfluxBackup.Tsm.Checks;

/// <summary>The index names a known type for the key.</summary>
internal sealed class IndexTypeCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        if (!walk.Index.Type.IsKnown())
        {
            Report(walk, walk.Index.KeyOffset, $"The index names block type {(byte)walk.Index.Type}, which does not exist.");
        }
        return true;
    }
}
