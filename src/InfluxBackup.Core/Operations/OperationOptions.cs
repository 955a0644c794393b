using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>What every operation on shards takes.</summary>
public abstract record OperationOptions
{
    /// <summary>Shards in flight at once; the source's preference unless given.</summary>
    public int? Parallelism { get; init; }

    /// <summary>Go on without the shards that fail, and keep what is sound. The result says so.</summary>
    public bool AllowPartial { get; init; }

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Told from the engine's threads.</summary>
    public IProgress<TransferProgress>? Progress { get; init; }

    /// <summary>How often and how patiently a shard is tried; tests shorten it.</summary>
    public TransferOptions Retry { get; init; } = new();

    internal TransferOptions Transfer => Retry with { Parallelism = Parallelism, Logger = Logger, Progress = Progress };
}
