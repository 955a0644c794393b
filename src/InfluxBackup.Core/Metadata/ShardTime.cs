namespace InfluxBackup.Metadata;

/// <summary>
/// InfluxDB counts nanoseconds since 1970 in 64 bits, which reach from 1677 to 2262; .NET counts steps of 100 ns from year 1.
/// Every time of a server fits, rounded down to 100 ns.
/// </summary>
public static class ShardTime
{
    private const long NanosecondsPerTick = 100;

    public static DateTime ToDateTime(long nanoseconds) =>
        DateTime.UnixEpoch.AddTicks(Math.DivRem(nanoseconds, NanosecondsPerTick) is var (q, r) && r < 0 ? q - 1 : q);

    /// <summary>Nanoseconds, limited to what 64 bits hold.</summary>
    public static long FromDateTime(DateTimeOffset time)
    {
        var ticks = (Int128)(time.UtcDateTime - DateTime.UnixEpoch).Ticks * NanosecondsPerTick;
        return (long)Int128.Clamp(ticks, long.MinValue, long.MaxValue);
    }
}
