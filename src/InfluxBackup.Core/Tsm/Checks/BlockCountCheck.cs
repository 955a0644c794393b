namespace InfluxBackup.Tsm.Checks;

/// <summary>The key has at least one block. (That it has no more than fit is <see cref="TsmWalk.IndexBounds"/>.)</summary>
internal sealed class BlockCountCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        if (walk.Index.BlockCount == 0)
        {
            Report(walk, walk.Index.KeyOffset, "The index says that this key has 0 blocks.");
            return false;
        }
        return true;
    }
}
