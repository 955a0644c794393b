using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>Takes shards for the sake of the checks on the way, and keeps nothing.</summary>
public sealed class DiscardSink : IShardSink
{
    /// <inheritdoc/>
    public Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel) => archive.ReadToEndAsync(cancel);

    /// <inheritdoc/>
    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) => Task.FromResult(new ShardReceipt(0));

    /// <inheritdoc/>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;
}
