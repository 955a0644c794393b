namespace InfluxBackup.Tsm.Checks;

/// <summary>The block has as many values as times, and at least one.</summary>
internal sealed class PointCountCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        var counts = walk.PointCounts;
        if (!counts.Agree)
        {
            Report(walk, walk.Entry.BlockOffset, counts.Describe());
            return false;
        }
        if (counts.Times == 0)
        {
            Report(walk, walk.Entry.BlockOffset, "The block has no points.");
            return false;
        }
        walk.PointCount += walk.Points.Count;
        return true;
    }
}
