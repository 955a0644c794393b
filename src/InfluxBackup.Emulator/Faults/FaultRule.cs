using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>What a fault can be about.</summary>
public enum FaultedService
{
    /// <summary>The backup service of a data node.</summary>
    Snapshotter,

    /// <summary>The service of a cluster's data node for other nodes; shares the port with the backup service.</summary>
    Coordinator,

    /// <summary>The HTTP API of a meta node, or of a data node.</summary>
    Http,
}

/// <summary>When a fault happens: at which requests, and at which of them counted from the first that matches.</summary>
/// <param name="Fault">What happens.</param>
public sealed record FaultRule(Fault Fault)
{
    public FaultedService Service { get; init; } = FaultedService.Snapshotter;

    /// <summary>Only requests of this type; all if null.</summary>
    public SnapshotterRequestType? Type { get; init; }

    /// <summary>Only requests for this shard; all if null.</summary>
    public ulong? ShardId { get; init; }

    /// <summary>Only HTTP requests for this path, such as <c>/show-shards</c>; all if null.</summary>
    public string? Path { get; init; }

    /// <summary>Only commands of this number, with the path <c>/execute</c>; all if null.</summary>
    public int? Command { get; init; }

    /// <summary>The first matching request that is hit: 1 is the very first.</summary>
    public int From { get; init; } = 1;

    /// <summary>How many requests are hit before the fault is over; without end if null.</summary>
    public int? Times { get; init; }

    internal bool Matches(FaultedRequest request) =>
        Service == request.Service
        && (Type is null || Type == request.Type)
        && (ShardId is null || ShardId == request.ShardId)
        && (Path is null || Path == request.Path)
        && (Command is null || Command == request.Command);

    internal bool HitsAt(int occurrence) => occurrence >= From && (Times is null || occurrence - From < Times);
}

/// <summary>A request as the rules see it.</summary>
internal sealed record FaultedRequest(FaultedService Service, SnapshotterRequestType? Type = null, ulong? ShardId = null, string? Path = null, int? Command = null);
