namespace InfluxBackup.Operations;

/// <summary>Opens the shards of a plan one after the other, each while the one before it is exported.</summary>
internal sealed class ShardOpener(ExportOptions options, ExportPlan plan, Action<ExportFinding>? salvage) : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private ExportShard? currentKey;
    private LocalShard? current;
    private ExportShard? nextKey;
    private Task<LocalShard>? next;

    /// <summary>The shard of a unit, given by its place in the plan; open until another one is asked for.</summary>
    public async Task<LocalShard> OpenAsync(int number, CancellationToken cancel)
    {
        var unit = plan.Units[number];
        if (current is not null && ReferenceEquals(currentKey, unit.Shard))
        {
            return current;
        }

        current?.Dispose();
        current = null;
        using var linked = cancel.Register(stop.Cancel);
        var opening = ReferenceEquals(nextKey, unit.Shard) ? next! : Open(unit.Shard);
        (next, nextKey) = (null, null);
        current = await opening.ConfigureAwait(false);
        currentKey = unit.Shard;
        Prefetch(number);
        return current;
    }

    public void Dispose()
    {
        stop.Cancel();
        current?.Dispose();
        // What is being opened for nothing has temporary files, which go with it.
        next?.ContinueWith(
            opened =>
            {
                if (opened.IsCompletedSuccessfully)
                {
                    opened.Result.Dispose();
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default).Wait();
        stop.Dispose();
    }

    private void Prefetch(int number)
    {
        var shard = plan.Units[number].Shard;
        while (++number < plan.Units.Count)
        {
            if (!ReferenceEquals(plan.Units[number].Shard, shard))
            {
                nextKey = plan.Units[number].Shard;
                next = Open(nextKey);
                return;
            }
        }
    }

    private Task<LocalShard> Open(ExportShard shard) => Task.Run(() => options.Source.OpenAsync(shard, options, salvage, stop.Token), stop.Token);
}
