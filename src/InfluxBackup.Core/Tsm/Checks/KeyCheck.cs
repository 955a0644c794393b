namespace InfluxBackup.Tsm.Checks;

/// <summary>The key has a series and a field, with the separator between them.</summary>
internal sealed class KeyCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        if (!TsmKey.TrySplit(walk.Index.Key, out var series, out var field) || series.IsEmpty || field.IsEmpty)
        {
            Report(walk, walk.Index.KeyOffset, $"The key of {walk.Index.Key.Length} bytes is not a series and a field name separated by \"#!~#\".");
        }
        return true;
    }
}
