namespace InfluxBackup.Tsm.Checks;

/// <summary>
/// Whether blocks, in any order, fill a space without gap or overlap; in constant memory. If they do, every end of a
/// block is the start of another, except for the end of the space: then a sum over all starts less the sum over all ends
/// leaves just the two ends of the space. The positions are scattered over 64 bits first, so that other sums do not
/// come out the same by chance.
/// </summary>
internal struct BlockCoverage
{
    private ulong seams;

    /// <summary>Bytes of all blocks, counted twice where they overlap.</summary>
    public UInt128 Bytes { get; private set; }

    /// <summary>Whether a block lies outside of the space or the index could not be read to its end: nothing can be said.</summary>
    public bool IsUnknown { get; private set; }

    public void Add(in TsmIndexEntry entry)
    {
        Bytes += entry.Size;
        seams += Scatter((ulong)entry.Offset) - Scatter((ulong)entry.Offset + entry.Size);
    }

    public void GiveUp() => IsUnknown = true;

    public readonly bool Fills(long start, long end) => seams == Scatter((ulong)start) - Scatter((ulong)end);

    /// <summary>The finalizer of SplitMix64: one bit of the position changes half of the result.</summary>
    private static ulong Scatter(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
