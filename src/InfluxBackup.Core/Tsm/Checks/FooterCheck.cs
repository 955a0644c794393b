namespace InfluxBackup.Tsm.Checks;

/// <summary>There is a footer, and it points into the file.</summary>
internal sealed class FooterCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        try
        {
            walk.OpenIndex(walk.File.CheckFooter());
            return true;
        }
        catch (TsmFormatException error)
        {
            Report(walk, error.Offset, error.Message);
            return false;
        }
    }
}
