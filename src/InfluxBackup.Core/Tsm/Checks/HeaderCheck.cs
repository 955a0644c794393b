namespace InfluxBackup.Tsm.Checks;

/// <summary>The file begins with the magic number and version 1.</summary>
internal sealed class HeaderCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        try
        {
            walk.File.CheckHeader();
            return true;
        }
        catch (TsmFormatException error)
        {
            Report(walk, error.Offset, error.Message);
            return false;
        }
    }
}
