namespace InfluxBackup.Operations;

/// <summary>
/// Opens the shards of a plan one after the other, each while the one before it is exported. By days, the shards of one group take
/// turns: some stay open, as what was unpacked once need not be unpacked for each day.
/// </summary>
internal sealed class ShardOpener(ExportOptions options, ExportPlan plan, Action<ExportFinding>? salvage) : IAsyncDisposable
{
    private const int MostOpen = 4;

    private readonly CancellationTokenSource stop = new();
    private readonly LinkedList<(ExportShard Key, LocalShard Shard)> open = new();
    private ExportShard? nextKey;
    private Task<LocalShard>? next;

    /// <summary>The shard of a unit, given by its place in the plan; open until others have been asked for.</summary>
    public async Task<LocalShard> OpenAsync(int number, CancellationToken cancel)
    {
        var wanted = plan.Units[number].Shard;
        for (var node = open.First; node is not null; node = node.Next)
        {
            if (ReferenceEquals(node.Value.Key, wanted))
            {
                open.Remove(node);
                open.AddFirst(node);
                return node.Value.Shard;
            }
        }

        // Where every shard comes once, none is kept.
        while (open.Count >= (options.Split == ExportSplit.Day ? MostOpen : 1))
        {
            open.Last!.Value.Shard.Dispose();
            open.RemoveLast();
        }

        using var linked = cancel.Register(stop.Cancel);
        var opening = ReferenceEquals(nextKey, wanted) ? next! : Open(wanted);
        (next, nextKey) = (null, null);
        var opened = await opening.ConfigureAwait(false);
        open.AddFirst((wanted, opened));
        Prefetch(number);
        return opened;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        foreach (var (_, shard) in open)
        {
            shard.Dispose();
        }

        if (next is not null)
        {
            // What is being opened for nothing has temporary files, which go with it; whether it could be opened does not matter any more.
            await next.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            if (next.IsCompletedSuccessfully)
            {
                (await next.ConfigureAwait(false)).Dispose();
            }
        }

        stop.Dispose();
    }

    private void Prefetch(int number)
    {
        var shard = plan.Units[number].Shard;
        while (++number < plan.Units.Count)
        {
            var candidate = plan.Units[number].Shard;
            if (ReferenceEquals(candidate, shard))
            {
                continue;
            }

            // One that is open already will be found so.
            if (open.All(o => !ReferenceEquals(o.Key, candidate)))
            {
                nextKey = candidate;
                next = Open(candidate);
            }

            return;
        }
    }

    private Task<LocalShard> Open(ExportShard shard) => Task.Run(() => options.Source.OpenAsync(shard, options, salvage, stop.Token), stop.Token);
}
