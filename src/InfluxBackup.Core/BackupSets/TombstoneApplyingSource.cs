using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Gives the shards of another source without their deleted points. A server that is given a shard ignores tombstone files, and
/// deleted points would be back; so the TSM files of shards that have any are rewritten first, in a temporary directory that goes with
/// the stream. Other shards pass through untouched. Each attempt starts from the other source again: it is local.
/// </summary>
/// <param name="inner">Where the archives come from.</param>
/// <param name="withTombstones">The shards whose archives hold tombstones.</param>
/// <param name="logger">Takes what happens on the way.</param>
/// <param name="temporary">Where shards are unpacked; the system's place for temporary files unless given.</param>
public sealed class TombstoneApplyingSource(
    IShardSource inner, IReadOnlySet<ShardKey> withTombstones, ILogger logger, string? temporary = null) : IShardSource, IDisposable
{
    private readonly ConcurrentDictionary<ShardKey, long> applied = new();

    /// <summary>The deletes of a million series take memory, and rewriting keeps a processor busy: one shard at a time.</summary>
    private readonly SemaphoreSlim rewriting = new(1);

    /// <inheritdoc/>
    public int PreferredParallelism => inner.PreferredParallelism;

    /// <summary>How many deletes were applied to a shard, in ranges of time of a series' field; 0 where there were none.</summary>
    public long AppliedTo(ShardKey shard) => applied.GetValueOrDefault(shard);

    /// <inheritdoc/>
    public async Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        if (!withTombstones.Contains(shard))
        {
            return await inner.OpenAsync(shard, cancel).ConfigureAwait(false);
        }

        var staged = new StagedShard(shard, StagedShard.IsPartOfUpload, logger, temporary);
        try
        {
            var warnings = await UnpackAsync(shard, staged, cancel).ConfigureAwait(false);
            await rewriting.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                applied[shard] = staged.ApplyDeletes(warnings, cancel);
                logger.LogInformation("{Shard} is restored without its deleted points ({Deletes} deletes).", shard, applied[shard]);
            }
            finally
            {
                rewriting.Release();
            }

            return new ShardStream(staged.ToTar()) { Warnings = warnings, IsHashed = false };
        }
        catch
        {
            staged.Dispose();
            throw;
        }
    }

    /// <summary>What was rewritten was confirmed before; what passes through is not touched.</summary>
    public Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) =>
        withTombstones.Contains(shard) ? Task.CompletedTask : inner.ConfirmAsync(shard, archive, cancel);

    /// <inheritdoc/>
    public void Dispose() => rewriting.Dispose();

    private async Task<List<string>> UnpackAsync(ShardKey shard, StagedShard staged, CancellationToken cancel)
    {
        var stream = await inner.OpenAsync(shard, cancel).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using var archive = new GuardedArchive(shard, stream, shard.ToString());
            await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
            await inner.ConfirmAsync(shard, archive.Result!, cancel).ConfigureAwait(false);
            return [.. stream.Warnings, .. archive.Result!.Warnings];
        }
    }
}
