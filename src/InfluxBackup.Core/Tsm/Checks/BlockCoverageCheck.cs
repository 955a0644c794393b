namespace InfluxBackup.Tsm.Checks;

/// <summary>
/// The blocks of the index fill the space between header and index, as a writer lays them one after another. The index
/// has no checksum: this is what shows that keys went missing, or that two of them claim the same block.
/// </summary>
internal sealed class BlockCoverageCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref var coverage = ref walk.Coverage;
        if (coverage.IsUnknown || coverage.Fills(TsmFormat.HeaderSize, walk.Index.Start))
        {
            return true;
        }
        var space = (UInt128)(walk.Index.Start - TsmFormat.HeaderSize);
        walk.AddOfFile(Name, walk.Index.Start, coverage.Bytes < space
            ? $"{space - coverage.Bytes} of {space} bytes between header and index belong to no key: the index lost keys or blocks."
            : $"The blocks of the index overlap: together they take {coverage.Bytes} bytes, there are {space} between header and index.");
        return true;
    }
}
