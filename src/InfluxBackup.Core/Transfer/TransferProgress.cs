using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>What a shard is doing.</summary>
public enum ShardPhase
{
    Started,
    Transferring,
    Retrying,
    Finished,
}

/// <summary>A sign of life from the transfer; sent at most a few times a second for each shard.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Phase">What it is doing.</param>
/// <param name="ShardBytes">Bytes of the shard so far in this attempt.</param>
/// <param name="ShardExpectedBytes">Bytes expected, where known.</param>
/// <param name="TotalBytes">Bytes of all shards so far, each shard's good attempt only.</param>
/// <param name="TotalExpectedBytes">Bytes expected in all, where known.</param>
/// <param name="ShardsDone">Shards ended, whatever their outcome.</param>
/// <param name="ShardsTotal">Shards in the plan.</param>
/// <param name="Elapsed">Time since the transfer began.</param>
/// <param name="Result">The result, with <see cref="ShardPhase.Finished"/>.</param>
public sealed record TransferProgress(
    ShardKey Shard,
    ShardPhase Phase,
    long ShardBytes,
    long? ShardExpectedBytes,
    long TotalBytes,
    long? TotalExpectedBytes,
    int ShardsDone,
    int ShardsTotal,
    TimeSpan Elapsed,
    ShardResult? Result = null);
