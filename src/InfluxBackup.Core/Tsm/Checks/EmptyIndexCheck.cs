namespace InfluxBackup.Tsm.Checks;

/// <summary>The index has at least one key: a server never writes a file without points, and does not start with one.</summary>
internal sealed class EmptyIndexCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        if (walk.Index.Start < walk.Index.End)
        {
            return true;
        }
        var blocks = walk.Index.Start - TsmFormat.HeaderSize;
        Report(walk, walk.Index.Start, $"The index is empty: the {blocks} bytes of blocks before it belong to no key.");
        return false;
    }
}
