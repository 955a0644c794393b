using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cluster;

/// <summary>
/// Has data nodes write what they keep in memory of some shards to files, on all owners. Only so that times and sizes stay what they are
/// afterwards: a node that does not answer, or is writing all the time, is passed over.
/// </summary>
internal sealed class CacheFlush(SnapshotterOptions options, int connectionsPerNode, ILogger logger)
{
    /// <summary>A node that needs longer for one shard has better things to do.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Waits between attempts at a shard whose cache is being written already.</summary>
    private static readonly TimeSpan[] Delays = [TimeSpan.FromSeconds(0.05), TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.8)];

    public Task RunAsync(IReadOnlyList<(ShardKey Shard, IReadOnlyList<ShardCopy> Copies)> shards, CancellationToken cancel)
    {
        var hot = shards.SelectMany(s => s.Copies.Where(c => c is { Node: not null, IsHeld: true } and not { IsHot: false }).Select(c => (s.Shard, Node: c.Node!)));
        return Task.WhenAll(hot.GroupBy(h => h.Node, h => h.Shard).Select(g => FlushAsync(g.Key, g.ToList(), cancel)));
    }

    private async Task FlushAsync(DataNodeAddress node, IReadOnlyList<ShardKey> shards, CancellationToken cancel)
    {
        var client = new SnapshotterClient(node, options with { IdleTimeout = options.IdleTimeout < Patience ? options.IdleTimeout : Patience });
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = connectionsPerNode, CancellationToken = gone.Token };
        try
        {
            await Parallel.ForEachAsync(shards, parallel, async (shard, token) =>
            {
                try
                {
                    if (!await FlushAsync(client, shard, token).ConfigureAwait(false))
                    {
                        logger.LogDebug("{Node} did not write the cache of {Shard}.", node, shard);
                    }
                }
                catch (InfluxBackupException e)
                {
                    logger.LogDebug("The caches of {Node} are left as they are: {Message}", node, e.Message);
                    await gone.CancelAsync().ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The node is gone, which the backup itself will find out if it needs it.
        }
    }

    private static async Task<bool> FlushAsync(SnapshotterClient client, ShardKey shard, CancellationToken cancel)
    {
        foreach (var delay in Delays)
        {
            if (await client.FlushAsync(shard.Id, cancel).ConfigureAwait(false))
            {
                return true;
            }

            await Task.Delay(delay, cancel).ConfigureAwait(false);
        }

        return await client.FlushAsync(shard.Id, cancel).ConfigureAwait(false);
    }
}
