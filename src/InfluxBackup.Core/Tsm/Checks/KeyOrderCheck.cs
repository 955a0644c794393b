namespace InfluxBackup.Tsm.Checks;

/// <summary>Keys ascend, byte by byte, none occurs twice: servers search the index by halving.</summary>
internal sealed class KeyOrderCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        if (!walk.Index.KeyIsInOrder)
        {
            Report(walk, walk.Index.KeyOffset, $"The index is out of order: this key must not come after {TsmKey.Describe(walk.Index.PreviousKey)}.");
        }
        return true;
    }
}
