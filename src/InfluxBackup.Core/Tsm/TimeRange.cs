namespace InfluxBackup.Tsm;

/// <summary>A stretch of time in nanoseconds since 1970, both ends included.</summary>
/// <param name="Min">The first time that belongs to it.</param>
/// <param name="Max">The last time that belongs to it.</param>
public readonly record struct TimeRange(long Min, long Max)
{
    /// <summary>All times that there are.</summary>
    public static TimeRange Everything { get; } = new(long.MinValue, long.MaxValue);

    public bool Contains(long time) => Min <= time && time <= Max;

    public bool Contains(TimeRange other) => Min <= other.Min && other.Max <= Max;

    public bool Overlaps(TimeRange other) => Min <= other.Max && other.Min <= Max;
}
