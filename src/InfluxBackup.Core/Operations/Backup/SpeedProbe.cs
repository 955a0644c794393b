using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Measures how fast a backup would go: as many shards at once as in a backup, the largest first, are read, checked and compressed, for a
/// few seconds. What the local disk takes is not in it.
/// </summary>
internal sealed class SpeedProbe(IShardSource source, BackupOptions options)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>Enough to tell; more would only burden the servers.</summary>
    private const long MostBytes = 1L << 30;

    private readonly List<ShardTask> waiting = [];
    private long total;
    private InfluxBackupException? lastError;

    /// <summary>Bytes of shards in a second; null where there is nothing to read.</summary>
    /// <exception cref="InfluxBackupException">Nothing could be read.</exception>
    public async Task<double?> MeasureAsync(BackupPlan plan, CancellationToken cancel)
    {
        waiting.AddRange(plan.Shards.Select(s => new ShardTask(s.Shard.Key, s.ExpectedBytes)).OrderByDescending(t => t.ExpectedBytes ?? 0));
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var clock = Stopwatch.StartNew();
        limited.CancelAfter(Limit);
        await Task.WhenAll(Enumerable.Range(0, Math.Max(1, options.Parallelism ?? source.PreferredParallelism)).Select(_ => ReadAsync(limited))).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        return total > 0 ? total / clock.Elapsed.TotalSeconds
            : lastError is { } error && plan.Shards.Count > 0 ? throw error
            : null;
    }

    private async Task ReadAsync(CancellationTokenSource limited)
    {
        try
        {
            while (Next() is { } task)
            {
                limited.Token.ThrowIfCancellationRequested();
                await ReadAsync(task, limited).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested)
        {
            // The time is up, which is how it ends unless everything was read before.
        }
    }

    private async Task ReadAsync(ShardTask task, CancellationTokenSource limited)
    {
        try
        {
            var stream = await source.OpenAsync(task.Shard, limited.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                using var archive = new GuardedArchive(task.Shard, stream, task.Shard.ToString());
                using var gzip = new ShardGzipWriter(Stream.Null, options.CompressionLevel);
                for (ReadOnlyMemory<byte> piece; !(piece = await archive.ReadAsync(limited.Token).ConfigureAwait(false)).IsEmpty;)
                {
                    gzip.Write(piece);
                    if (Interlocked.Add(ref total, piece.Length) > MostBytes)
                    {
                        await limited.CancelAsync().ConfigureAwait(false);
                    }
                }
            }
        }
        catch (InfluxBackupException e)
        {
            options.Logger.LogDebug("{Shard} is left out of the estimate: {Message}", task.Shard, e.Message);
            lastError = e;
        }
        catch (ShardSkippedException e)
        {
            options.Logger.LogDebug("{Shard} is left out of the estimate: {Message}", task.Shard, e.Message);
        }
    }

    private ShardTask? Next()
    {
        lock (waiting)
        {
            if (waiting.Count == 0)
            {
                return null;
            }

            var index = source.ChooseNext(waiting);
            var task = waiting[index];
            waiting.RemoveAt(index);
            return task;
        }
    }
}
