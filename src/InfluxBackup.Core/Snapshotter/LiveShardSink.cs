using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Snapshotter;

/// <summary>How a shard fared on one of its owners.</summary>
/// <param name="NodeId">Id of the data node in its cluster; 0 for a single server.</param>
/// <param name="DataNode">Its address.</param>
/// <param name="IsComplete">It holds the shard's files, and was looked at.</param>
/// <param name="Error">Why it does not.</param>
public sealed record OwnerResult(ulong NodeId, string DataNode, bool IsComplete, InfluxBackupException? Error)
{
    /// <summary>It held the files before anything was sent.</summary>
    public bool WasThere { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{DataNode}: {(IsComplete ? "complete" : Error?.Id ?? "not tried")}";
}

/// <summary>
/// Uploads shards into the running data nodes that own them: one pass over the archive for all owners of a shard, each in one go from local
/// data, because a server locks the shard meanwhile. The server never says whether it took an upload, so each shard is looked at
/// afterwards on every owner. A shard is complete when all its owners hold it; an owner that fails does not stop the others, and what is
/// tried again is sent only to those that lack it.
/// </summary>
/// <param name="owners">The owners of each shard, which is named as the nodes call it.</param>
/// <param name="isResumed">An earlier run may have been here, so that shards may hold files.</param>
/// <param name="logger">Takes what happens on the way.</param>
public sealed class LiveShardSink(Func<ShardKey, IReadOnlyList<LiveNode>> owners, bool isResumed, ILogger logger) : IShardSink
{
    private readonly ConcurrentDictionary<ShardKey, Delivery> deliveries = new();

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        var delivery = deliveries.GetOrAdd(shard, key => new Delivery(owners(key).Select(n => new OwnerDelivery(n, key, logger)).ToList()));
        var open = delivery.Owners.Where(o => !o.IsDone).ToList();
        var isFresh = !isResumed && delivery.Attempts++ == 0;
        try
        {
            await Task.WhenAll(open.Select(o => o.BeginAsync(isFresh, delivery.Expected, cancel))).ConfigureAwait(false);
            if (open.Count > 0 && open.All(o => o.Error is not null))
            {
                throw Failed(shard, delivery);
            }

            delivery.Expected = await SendAsync(shard, delivery, open, archive, cancel).ConfigureAwait(false);
        }
        finally
        {
            await Task.WhenAll(open.Select(o => o.ReleaseAsync())).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var delivery = deliveries[shard];
        await Task.WhenAll(delivery.Owners.Where(o => o.Error is null).Select(o => o.VerifyAsync(shard, delivery.Expected!, cancel))).ConfigureAwait(false);
        return delivery.Owners.All(o => o.IsDone)
            ? new ShardReceipt(delivery.Owners.Sum(o => o.Bytes), shard.Id)
            : throw Failed(shard, delivery);
    }

    /// <summary>What was uploaded stays in the shard: a server has no way to take it back short of dropping the shard.</summary>
    public Task DiscardAsync(ShardKey shard)
    {
        if (deliveries.TryGetValue(shard, out var delivery) && delivery.Owners.Count > 1)
        {
            foreach (var lost in delivery.Owners.Where(o => o.Error is { Kind: ErrorKind.Connection }))
            {
                lost.Node.IsGivenUp = true;
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>How a shard fared on each of its owners; empty for a shard that was never begun.</summary>
    public IReadOnlyList<OwnerResult> ResultsOf(ShardKey shard) =>
        deliveries.TryGetValue(shard, out var delivery)
            ? delivery.Owners.Select(o => new OwnerResult(o.Node.Id, o.Node.Client.Address.ToString(), o.IsDone, o.Error) { WasThere = o.WasThere }).ToList()
            : [];

    /// <summary>Reads the archive to its end and sends it to those owners that it is to be sent to. Returns the TSM files that it holds.</summary>
    private static async Task<Dictionary<string, long>> SendAsync(
        ShardKey shard, Delivery delivery, List<OwnerDelivery> open, GuardedArchive archive, CancellationToken cancel)
    {
        var renamer = new TarRenamer(shard);
        var scanner = new TarScanner(renamer, shard.ToString());
        while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
        {
            scanner.Append(piece.Span);
            if (!renamer.Output.IsEmpty)
            {
                await SendToAllAsync(renamer.Output).ConfigureAwait(false);
                renamer.Clear();
            }
        }

        if (renamer.Sent.Count > 0)
        {
            renamer.Finish();
            await SendToAllAsync(renamer.Output).ConfigureAwait(false);
        }

        await Task.WhenAll(open.Where(o => o.Sends && o.Error is null).Select(o => o.CompleteAsync(cancel))).ConfigureAwait(false);

        // The same name twice in an archive is one file on the server, the later one.
        return renamer.Sent.GroupBy(f => f.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Size, StringComparer.Ordinal);

        async Task SendToAllAsync(ReadOnlyMemory<byte> bytes)
        {
            await Task.WhenAll(open.Where(o => o.Sends && o.Error is null).Select(o => o.WriteAsync(bytes, cancel))).ConfigureAwait(false);
            if (open.Count > 0 && open.All(o => o.Error is not null))
            {
                throw Failed(shard, delivery);
            }
        }
    }

    /// <summary>The error of a shard that is not on all its owners: worth another attempt as long as one of them is.</summary>
    private static InfluxBackupException Failed(ShardKey shard, Delivery delivery)
    {
        var failed = delivery.Owners.Where(o => !o.IsDone).ToList();
        if (delivery.Owners.Count == 1)
        {
            ExceptionDispatchInfo.Throw(failed[0].Error!);
        }

        var done = delivery.Owners.Count - failed.Count;
        var why = string.Join(" ", failed.Select(o => o.Node.Absence is null ? $"{o.Node.Client.Address}: {o.Error?.Message ?? "it was not asked."}" : $"{o.Node.Client.Address} was down."));
        return new InfluxBackupException(
            "ShardNotOnAllOwners",
            // With another owner there the hosts are not gone altogether, and the next shards are worth a try.
            done == 0 && failed.All(o => o.Error?.Kind == ErrorKind.Connection) ? ErrorKind.Connection : ErrorKind.InvalidData,
            $"{shard} is on {done} of its {delivery.Owners.Count} owners. {why}",
            failed.Select(o => o.Error).FirstOrDefault(e => e is not null))
        {
            Subject = shard.ToString(),
            // What is known from the beginning was said there.
            Remedy = failed.All(o => o.Node.Absence is not null) ? null : "When its data nodes are up, run the same restore again with -Resume (--resume): it sends the shard to the owners that lack it.",
            IsTransient = failed.Any(o => o.IsWorthRetrying),
        };
    }

    private sealed class Delivery(IReadOnlyList<OwnerDelivery> owners)
    {
        public IReadOnlyList<OwnerDelivery> Owners => owners;

        public int Attempts { get; set; }

        /// <summary>The shard's TSM files, once an attempt has seen all of them.</summary>
        public Dictionary<string, long>? Expected { get; set; }
    }
}
