namespace InfluxBackup.Tsm;

/// <summary>
/// Which shard of its group a series belongs to: the 64-bit FNV-1a hash of its key, modulo the number of shards. What is hashed is the
/// series key as a TSM file has it before the separator: tags sorted, and escaped as in line protocol.
/// </summary>
/// <remarks>Reference: <c>ShardGroupInfo.ShardFor</c> and <c>Point.HashID</c> of InfluxDB 1.x; a cluster's files were compared.</remarks>
public static class SeriesSlot
{
    private const ulong Basis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    /// <summary>The slot, from 0 on, of the series of a composite key among <paramref name="slots"/>.</summary>
    /// <param name="key">Series key, separator and field name; or a series key alone.</param>
    /// <param name="slots">How many shards the group has, at least one.</param>
    public static int Of(ReadOnlySpan<byte> key, int slots)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        if (slots == 1)
        {
            return 0;
        }
        TsmKey.TrySplit(key, out var series, out _);
        var hash = Basis;
        foreach (var b in series)
        {
            hash = (hash ^ b) * Prime;
        }
        return (int)(hash % (ulong)slots);
    }
}
