using System.Collections.Concurrent;
using System.Diagnostics;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polly;
using Polly.Retry;

namespace InfluxBackup.Transfer;

/// <summary>How the loop goes about its work.</summary>
public sealed record TransferOptions
{
    /// <summary>Shards in flight at once; the source's preference unless given.</summary>
    public int? Parallelism { get; init; }

    /// <summary>Attempts for each shard, the first included.</summary>
    public int MaxAttempts { get; init; } = 8;

    /// <summary>Wait before the second attempt; doubles from attempt to attempt, with jitter.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest wait between two attempts. With the defaults a shard is tried for about 45 seconds.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(15);

    public ILogger Logger { get; init; } = NullLogger.Instance;

    public IProgress<TransferProgress>? Progress { get; init; }
}

/// <summary>One shard of a plan.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="ExpectedBytes">Length of its tar stream, where known.</param>
public sealed record ShardTask(ShardKey Shard, long? ExpectedBytes = null);

/// <summary>
/// The one loop: carries shards from a source through the checks to a sink, a bounded number at once, each retried from its
/// first byte while its errors are transient. An error of one shard ends that shard, never the loop.
/// </summary>
public sealed class ShardTransfer(TransferOptions options)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    private readonly ILogger logger = options.Logger;
    private readonly Stopwatch clock = new();
    private readonly ConcurrentDictionary<ShardKey, long> inFlight = new();
    private long finishedBytes;
    private int finishedShards;
    private int totalShards;
    private long? totalBytes;

    // Shards given up since the last answer because the other side did not answer: when it is gone, trying each of
    // a thousand shards for a minute helps nobody.
    private int lostInARow;

    /// <summary>Carries the shards over and says what became of each, in the order of the tasks.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the shards under way have been discarded.</exception>
    public async Task<IReadOnlyList<ShardResult>> RunAsync(
        IReadOnlyList<ShardTask> tasks, IShardSource source, IShardSink sink, CancellationToken cancel)
    {
        var parallelism = Math.Max(1, options.Parallelism ?? source.PreferredParallelism);
        totalShards = tasks.Count;
        totalBytes = tasks.All(t => t.ExpectedBytes is not null) ? tasks.Sum(t => t.ExpectedBytes) : null;
        clock.Restart();
        var results = new ShardResult[tasks.Count];

        await Parallel.ForEachAsync(
            Order(tasks, source),
            new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel },
            async (index, token) => results[index] = await RunShardAsync(tasks[index], source, sink, parallelism, token).ConfigureAwait(false))
            .ConfigureAwait(false);
        return results;
    }

    /// <summary>
    /// The largest first: the last shards to end are then small ones, and no processor idles beside a long tail. Asked for the next one
    /// only when somebody is free to begin it.
    /// </summary>
    private static IEnumerable<int> Order(IReadOnlyList<ShardTask> tasks, IShardSource source)
    {
        var indexes = Enumerable.Range(0, tasks.Count).OrderByDescending(i => tasks[i].ExpectedBytes ?? 0).ToList();
        var waiting = indexes.Select(i => tasks[i]).ToList();
        while (waiting.Count > 0)
        {
            var next = source.ChooseNext(waiting);
            var index = indexes[next];
            indexes.RemoveAt(next);
            waiting.RemoveAt(next);
            yield return index;
        }
    }

    private async Task<ShardResult> RunShardAsync(
        ShardTask task, IShardSource source, IShardSink sink, int parallelism, CancellationToken cancel)
    {
        var started = clock.Elapsed;
        var attempts = 0;
        ShardResult result;
        Report(task, ShardPhase.Started, 0);
        try
        {
            if (Volatile.Read(ref lostInARow) > parallelism)
            {
                throw new InfluxBackupException(
                    "ShardNotTried", ErrorKind.Connection, $"{Capital(task.Shard)} was not tried: the shards before it failed because the host did not answer.");
            }

            result = await Retrying(task).ExecuteAsync(
                async token =>
                {
                    attempts++;
                    return await AttemptAsync(task, source, sink, token).ConfigureAwait(false);
                },
                cancel).ConfigureAwait(false);
            Interlocked.Exchange(ref lostInARow, 0);
        }
        catch (ShardSkippedException e)
        {
            await sink.DiscardAsync(task.Shard).ConfigureAwait(false);
            Interlocked.Exchange(ref lostInARow, 0);
            result = new ShardResult { Shard = task.Shard, Outcome = ShardOutcome.Skipped, SkipReason = e.Reason, Reason = e.Message };
        }
        catch (InfluxBackupException e)
        {
            await sink.DiscardAsync(task.Shard).ConfigureAwait(false);
            if (e.Kind == ErrorKind.Connection)
            {
                Interlocked.Increment(ref lostInARow);
            }

            logger.LogError("{Message}", e.FullMessage);
            result = new ShardResult { Shard = task.Shard, Outcome = ShardOutcome.Failed, Error = e };
        }
        catch
        {
            await sink.DiscardAsync(task.Shard).ConfigureAwait(false);
            throw;
        }

        result = result with { Attempts = attempts, Duration = clock.Elapsed - started };
        inFlight.TryRemove(task.Shard, out _);
        Interlocked.Add(ref finishedBytes, result.Archive?.Length ?? 0);
        Interlocked.Increment(ref finishedShards);
        Report(task, ShardPhase.Finished, result.Archive?.Length ?? 0, result);
        return result;
    }

    private async Task<ShardResult> AttemptAsync(ShardTask task, IShardSource source, IShardSink sink, CancellationToken cancel)
    {
        var shard = task.Shard;
        var stream = await source.OpenAsync(shard, cancel).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var lastReport = clock.Elapsed;
            using var guarded = new GuardedArchive(shard, stream, shard.ToString(), position =>
            {
                inFlight[shard] = position;
                if (clock.Elapsed - lastReport >= ProgressInterval)
                {
                    lastReport = clock.Elapsed;
                    Report(task, ShardPhase.Transferring, position);
                }
            });
            await sink.WriteAsync(shard, guarded, cancel).ConfigureAwait(false);
            var archive = guarded.Result
                ?? throw new InvalidOperationException($"The sink returned before it had read {shard} to its end.");
            await source.ConfirmAsync(shard, archive, cancel).ConfigureAwait(false);
            var receipt = await sink.AcceptAsync(shard, archive, cancel).ConfigureAwait(false);
            return new ShardResult
            {
                Shard = shard,
                Outcome = ShardOutcome.Complete,
                Archive = archive,
                Receipt = receipt,
                Warnings = [.. stream.Warnings, .. archive.Warnings, .. receipt.Warnings ?? []],
            };
        }
    }

    private ResiliencePipeline Retrying(ShardTask task) =>
        options.MaxAttempts <= 1
            ? ResiliencePipeline.Empty
            : new ResiliencePipelineBuilder()
                .AddRetry(new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<InfluxBackupException>(e => e.IsTransient),
                    MaxRetryAttempts = options.MaxAttempts - 1,
                    Delay = options.RetryDelay,
                    MaxDelay = options.MaxRetryDelay,
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    OnRetry = retry =>
                    {
                        logger.LogWarning(
                            "Attempt {Attempt} of {Attempts} for {Shard} failed and is repeated from the start in {Delay:0.0} s: {Message}",
                            retry.AttemptNumber + 1, options.MaxAttempts, task.Shard, retry.RetryDelay.TotalSeconds, retry.Outcome.Exception?.Message);
                        inFlight.TryRemove(task.Shard, out _);
                        Report(task, ShardPhase.Retrying, 0);
                        return default;
                    },
                })
                .Build();

    private void Report(ShardTask task, ShardPhase phase, long bytes, ShardResult? result = null)
    {
        if (options.Progress is { } progress)
        {
            var total = Interlocked.Read(ref finishedBytes) + inFlight.Values.Sum();
            progress.Report(new TransferProgress(
                task.Shard, phase, bytes, task.ExpectedBytes, total, totalBytes, Volatile.Read(ref finishedShards), totalShards, clock.Elapsed, result));
        }
    }

    private static string Capital(ShardKey shard) => string.Concat("S", shard.ToString().AsSpan(1));
}
