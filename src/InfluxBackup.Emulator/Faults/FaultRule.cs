using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>When a fault happens: at which requests, and at which of them counted from the first that matches.</summary>
/// <param name="Fault">What happens.</param>
public sealed record FaultRule(Fault Fault)
{
    /// <summary>Only requests of this type; all if null.</summary>
    public SnapshotterRequestType? Type { get; init; }

    /// <summary>Only requests for this shard; all if null.</summary>
    public ulong? ShardId { get; init; }

    /// <summary>The first matching request that is hit: 1 is the very first.</summary>
    public int From { get; init; } = 1;

    /// <summary>How many requests are hit before the fault is over; without end if null.</summary>
    public int? Times { get; init; }

    internal bool Matches(SnapshotterRequestType type, ulong? shardId) =>
        (Type is null || Type == type) && (ShardId is null || ShardId == shardId);

    internal bool HitsAt(int occurrence) => occurrence >= From && (Times is null || occurrence - From < Times);
}
