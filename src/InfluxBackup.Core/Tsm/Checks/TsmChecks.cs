namespace InfluxBackup.Tsm.Checks;

/// <summary>All checks, in the order in which they are made.</summary>
internal static class TsmChecks
{
    /// <summary>Before the index is read.</summary>
    public static readonly TsmCheck[] OfFile = [new HeaderCheck(), new FooterCheck(), new EmptyIndexCheck()];

    /// <summary>For each key in the index. That an entry lies inside the index is <see cref="TsmWalk.IndexBounds"/>.</summary>
    public static readonly TsmCheck[] OfKey = [new KeyCheck(), new KeyOrderCheck(), new BlockCountCheck()];

    /// <summary>For each block in the index: what needs no unpacking.</summary>
    public static readonly TsmCheck[] OfBlock = [new EntryOrderCheck(), new BlockBoundsCheck(), new BlockChecksumCheck(), new BlockTypeCheck()];

    /// <summary>For each block with a good checksum: its content.</summary>
    public static readonly TsmCheck[] OfPoints = [new BlockDecodeCheck(), new PointCountCheck(), new PointTimesCheck()];

    /// <summary>At the end of the index.</summary>
    public static readonly TsmCheck[] OfWhole = [new BlockCoverageCheck()];
}
