using System.Collections.Concurrent;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Emulator;

/// <summary>A request as a node received it.</summary>
/// <param name="Type">The type byte; types that no server answers are received, too.</param>
/// <param name="ShardId">For the requests that are about one shard.</param>
/// <param name="Body">The JSON; null for a shard update, which has none.</param>
public sealed record ReceivedRequest(SnapshotterRequestType Type, ulong? ShardId, SnapshotterRequest? Body);

/// <summary>A write without points as a node of a cluster received it.</summary>
/// <param name="ShardId">The shard.</param>
/// <param name="Database">Empty without one.</param>
/// <param name="RetentionPolicy">Empty without one.</param>
/// <param name="Points">How many points came with it.</param>
public sealed record ReceivedWrite(ulong ShardId, string Database, string RetentionPolicy, int Points);

/// <summary>What a node logs, in the server's words; a server logs nothing about requests that went well.</summary>
internal sealed class EmulatorLog(ILogger? logger)
{
    private readonly ConcurrentQueue<string> lines = [];

    public IReadOnlyList<string> Lines => [.. lines];

    public void Add(string message, string service = "snapshot")
    {
        lines.Enqueue($"lvl=info msg=\"{message}\" service={service}");
        logger?.LogInformation("{Message} (service={Service})", message, service);
    }
}
