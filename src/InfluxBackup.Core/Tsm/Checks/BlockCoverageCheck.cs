namespace InfluxBackup.Tsm.Checks;

/// <summary>
/// The blocks of the index fill the space between header and index, as a writer lays them one after another. The index
/// has no checksum: this is what shows that keys went missing, or that two of them claim the same block.
/// </summary>
internal sealed class BlockCoverageCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        var space = walk.Index.Start - TsmFormat.HeaderSize;
        if (walk.CoveredBytes >= 0 && walk.CoveredBytes != space)
        {
            walk.AddOfFile(Name, walk.Index.Start, walk.CoveredBytes < space
                ? $"{space - walk.CoveredBytes} of {space} bytes between header and index belong to no key: the index lost keys or blocks."
                : $"The blocks of the index take {walk.CoveredBytes} bytes, there are {space}: keys share blocks.");
        }
        return true;
    }
}
