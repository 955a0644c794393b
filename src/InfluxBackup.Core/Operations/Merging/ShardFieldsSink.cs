using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Takes shards for the sake of the checks and of what <see cref="ShardFields"/> find, and keeps nothing else.</summary>
internal sealed class ShardFieldsSink : IShardSink
{
    private readonly ConcurrentDictionary<ShardKey, ShardFields> found = new();
    private readonly StagingArea area = new();

    /// <summary>What was found in a shard that was read to its end.</summary>
    public ShardFields this[ShardKey shard] => found[shard];

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        var fields = new ShardFields(shard);
        await new StagedArchive(shard, fields, area).ReadAsync(archive, cancel).ConfigureAwait(false);
        found[shard] = fields;
    }

    /// <inheritdoc/>
    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) =>
        Task.FromResult(new ShardReceipt(0, Warnings: found[shard].Warnings));

    /// <inheritdoc/>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;
}
