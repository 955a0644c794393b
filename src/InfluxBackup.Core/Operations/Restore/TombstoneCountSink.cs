using System.Collections.Concurrent;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Takes shards for the sake of the checks, keeps nothing, and reads the tombstones in them to their ends: deletes that can't be read
/// must be known before a restore begins.
/// </summary>
internal sealed class TombstoneCountSink(ILogger logger) : IShardSink
{
    private readonly ConcurrentDictionary<ShardKey, long> counts = new();
    private readonly ConcurrentDictionary<ShardKey, List<string>> warnings = new();

    /// <summary>How many deletes a shard's archive holds, in ranges of time of a series' field.</summary>
    public long CountOf(ShardKey shard) => counts.GetValueOrDefault(shard);

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        using var staged = new StagedShard(shard, StagedShard.IsTombstone, logger);
        await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
        counts[shard] = staged.CountDeletes(warnings.GetOrAdd(shard, _ => []), cancel);
    }

    /// <inheritdoc/>
    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) =>
        Task.FromResult(new ShardReceipt(0, Warnings: warnings[shard]));

    /// <inheritdoc/>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;
}
