using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Transfer;

/// <summary>The one loop: bounded, retried, and honest about every shard.</summary>
public sealed class ShardTransferTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ShardKey Key(int id) => new("db", "rp", (ulong)id);

    private static List<ShardTask> Tasks(int count) => Enumerable.Range(1, count).Select(i => new ShardTask(Key(i))).ToList();

    private static InfluxBackupException Error(bool isTransient, ErrorKind kind = ErrorKind.InvalidData) => new("Planned", kind, "as planned") { IsTransient = isTransient };

    private static TransferOptions Options(int parallelism = 1, int attempts = 8, IProgress<TransferProgress>? progress = null) => new()
    {
        Parallelism = parallelism,
        MaxAttempts = attempts,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        MaxRetryDelay = TimeSpan.FromMilliseconds(1),
        Progress = progress,
    };

    [Fact]
    public async Task Every_shard_arrives_and_results_are_in_the_order_of_the_tasks()
    {
        var tasks = Enumerable.Range(1, 20).Select(i => new ShardTask(Key(i), (i * 7919) % 13)).ToList();
        var sink = new FakeSink();
        var results = await new ShardTransfer(Options(4)).RunAsync(tasks, new FakeSource((s, _) => TarBuilder.Shard(s)) { Warnings = ["from the source"] }, sink, Cancel);

        Assert.Equal(tasks.Select(t => t.Shard), results.Select(r => r.Shard));
        Assert.All(results, r => Assert.Equal((ShardOutcome.Complete, 1), (r.Outcome, r.Attempts)));
        Assert.All(results, r => Assert.Equal(["from the source", "from the sink"], r.Warnings));
        Assert.Equal(20, sink.Accepted.Count);
        Assert.Empty(sink.Discarded);
        Assert.All(tasks, t => Assert.Equal(TarBuilder.Shard(t.Shard), sink.Kept[t.Shard]));
    }

    [Fact]
    public async Task No_tasks_no_results() => Assert.Empty(await new ShardTransfer(Options()).RunAsync([], new FakeSource((_, _) => []), new FakeSink(), Cancel));

    [Fact]
    public async Task A_stream_that_breaks_off_is_repeated_from_its_first_byte()
    {
        var sink = new FakeSink();
        var source = new FakeSource((s, attempt) => attempt < 4 ? TarBuilder.Shard(s, 3000, (byte)attempt)[..(attempt * 600)] : TarBuilder.Shard(s, 100));
        var result = Assert.Single(await new ShardTransfer(Options()).RunAsync(Tasks(1), source, sink, Cancel));

        Assert.Equal((ShardOutcome.Complete, 4), (result.Outcome, result.Attempts));
        Assert.Equal(TarBuilder.Shard(Key(1), 100), sink.Kept[Key(1)]);
        Assert.Single(sink.Accepted);
    }

    [Fact]
    public async Task What_the_source_does_not_confirm_is_not_accepted()
    {
        var sink = new FakeSink();
        var source = new FakeSource((s, _) => TarBuilder.Shard(s)) { Confirming = (_, _) => throw Error(isTransient: true) };
        var result = Assert.Single(await new ShardTransfer(Options(attempts: 3)).RunAsync(Tasks(1), source, sink, Cancel));

        Assert.Equal((ShardOutcome.Failed, 3, "Planned"), (result.Outcome, result.Attempts, result.Error!.Id));
        Assert.Null(result.Archive);
        Assert.Empty(sink.Accepted);
        Assert.Empty(sink.Kept);
    }

    [Fact]
    public async Task What_the_sink_does_not_accept_is_tried_again()
    {
        var refusals = 2;
        var sink = new FakeSink { Accepting = _ => { if (refusals-- > 0) { throw Error(isTransient: true); } } };
        var result = Assert.Single(await new ShardTransfer(Options()).RunAsync(Tasks(1), new FakeSource((s, _) => TarBuilder.Shard(s)), sink, Cancel));
        Assert.Equal((ShardOutcome.Complete, 3), (result.Outcome, result.Attempts));
    }

    [Fact]
    public async Task An_error_that_will_not_go_away_is_not_tried_again()
    {
        var source = new FakeSource((_, _) => throw Error(isTransient: false));
        var result = Assert.Single(await new ShardTransfer(Options()).RunAsync(Tasks(1), source, new FakeSink(), Cancel));
        Assert.Equal((ShardOutcome.Failed, 1), (result.Outcome, result.Attempts));
    }

    [Fact]
    public async Task One_attempt_means_one()
    {
        var source = new FakeSource((_, _) => throw Error(isTransient: true));
        var result = Assert.Single(await new ShardTransfer(Options(attempts: 1)).RunAsync(Tasks(1), source, new FakeSink(), Cancel));
        Assert.Equal(1, result.Attempts);
    }

    [Fact]
    public async Task A_shard_that_fails_stops_no_other()
    {
        var sink = new FakeSink();
        var source = new FakeSource((s, _) => s.Id % 3 == 0 ? throw Error(isTransient: false) : TarBuilder.Shard(s));
        var results = await new ShardTransfer(Options(3)).RunAsync(Tasks(30), source, sink, Cancel);

        Assert.All(results, r => Assert.Equal(r.Shard.Id % 3 == 0 ? ShardOutcome.Failed : ShardOutcome.Complete, r.Outcome));
        Assert.Equal(20, sink.Kept.Count);
        Assert.Equal(results.Where(r => r.Outcome == ShardOutcome.Failed).Select(r => r.Shard), sink.Discarded.Order());
    }

    [Fact]
    public async Task A_skipped_shard_is_neither_failed_nor_kept()
    {
        var sink = new FakeSink();
        var source = new FakeSource((s, _) => s.Id == 2 ? throw new ShardSkippedException(SkipReason.Unchanged, "unchanged") : TarBuilder.Shard(s))
        {
            Confirming = (s, _) => _ = s.Id == 3 ? throw new ShardSkippedException(SkipReason.Dropped, "dropped") : 0,
        };
        var results = await new ShardTransfer(Options()).RunAsync(Tasks(3), source, sink, Cancel);

        Assert.Equal([ShardOutcome.Complete, ShardOutcome.Skipped, ShardOutcome.Skipped], results.Select(r => r.Outcome));
        Assert.Equal([null, SkipReason.Unchanged, SkipReason.Dropped], results.Select(r => r.SkipReason));
        Assert.Equal("dropped", results[2].Reason);
        Assert.Equal([Key(1)], sink.Kept.Keys);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task As_many_shards_as_allowed_are_under_way_and_never_more(int allowed)
    {
        var (now, most) = (0, 0);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var source = new FakeSource((s, _) => TarBuilder.Shard(s))
        {
            Opening = async (_, cancel) =>
            {
                var running = Interlocked.Increment(ref now);
                InterlockedMax(ref most, running);
                if (running == allowed)
                {
                    reached.TrySetResult();
                }

                await reached.Task.WaitAsync(TimeSpan.FromSeconds(20), cancel);
                await Task.Yield();
            },
            Confirming = (_, _) => Interlocked.Decrement(ref now),
        };
        await new ShardTransfer(Options(allowed)).RunAsync(Tasks(30), source, new FakeSink(), Cancel);
        Assert.Equal(allowed, most);
    }

    [Fact]
    public async Task A_cancelled_run_discards_what_is_under_way_and_begins_nothing_new()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var under = 0;
        var source = new FakeSource((_, _) => [])
        {
            Opening = async (_, cancel) =>
            {
                if (Interlocked.Increment(ref under) == 2)
                {
                    await stop.CancelAsync();
                }

                await Task.Delay(Timeout.Infinite, cancel);
            },
        };
        var sink = new FakeSink();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new ShardTransfer(Options(2)).RunAsync(Tasks(10), source, sink, stop.Token));
        Assert.Equal(2, under);
        Assert.Equal(2, sink.Discarded.Count);
        Assert.Empty(sink.Accepted);
    }

    [Fact]
    public async Task When_the_host_is_gone_the_rest_is_not_tried()
    {
        var source = new FakeSource((_, _) => throw Error(isTransient: true, ErrorKind.Connection));
        var results = await new ShardTransfer(Options(attempts: 2)).RunAsync(Tasks(50), source, new FakeSink(), Cancel);
        Assert.All(results, r => Assert.Equal(ShardOutcome.Failed, r.Outcome));
        Assert.Equal(["Planned", "Planned"], results.Take(2).Select(r => r.Error!.Id));
        Assert.All(results.Skip(2), r => Assert.Equal(("ShardNotTried", 0), (r.Error!.Id, r.Attempts)));
        Assert.Equal(2, source.Attempts(Key(2)));
    }

    [Fact]
    public async Task A_host_that_answers_now_and_then_is_not_given_up()
    {
        var source = new FakeSource((s, _) => s.Id % 3 == 0 ? TarBuilder.Shard(s)
            : s.Id % 3 == 1 ? throw new ShardSkippedException(SkipReason.Unchanged, "unchanged")
            : throw Error(isTransient: false, ErrorKind.Connection));
        var results = await new ShardTransfer(Options()).RunAsync(Tasks(30), source, new FakeSink(), Cancel);
        Assert.DoesNotContain(results, r => r.Error?.Id == "ShardNotTried");

        var onlySkipped = new FakeSource((s, _) => s.Id % 2 == 0 ? throw new ShardSkippedException(SkipReason.Unchanged, "unchanged") : throw Error(isTransient: false, ErrorKind.Connection));
        results = await new ShardTransfer(Options()).RunAsync(Tasks(30), onlySkipped, new FakeSink(), Cancel);
        Assert.DoesNotContain(results, r => r.Error?.Id == "ShardNotTried");
    }

    [Fact]
    public async Task Shards_that_the_host_refuses_to_send_do_not_mean_that_it_is_gone()
    {
        var results = await new ShardTransfer(Options(attempts: 1)).RunAsync(
            Tasks(6), new FakeSource((s, _) => s.Id < 6 ? [] : TarBuilder.Shard(s)), new FakeSink(), Cancel);
        Assert.All(results.Take(5), r => Assert.Equal("ShardNotSent", r.Error!.Id));
        Assert.Equal(ShardOutcome.Complete, results[5].Outcome);
    }

    [Fact]
    public async Task Progress_ends_with_every_byte_and_every_shard()
    {
        var progress = new ProgressRecorder();
        var tasks = Enumerable.Range(1, 9).Select(i => new ShardTask(Key(i), 2048)).ToList();
        var results = await new ShardTransfer(Options(3, progress: progress)).RunAsync(
            tasks, new FakeSource((s, _) => s.Id == 4 ? throw Error(isTransient: false) : TarBuilder.Shard(s, 64 * (int)s.Id)), new FakeSink(), Cancel);

        var reports = progress.Reports;
        var last = reports[^1];
        var bytes = results.Sum(r => r.Archive?.Length ?? 0);
        Assert.Equal(bytes, reports.Max(r => r.TotalBytes));
        Assert.Equal((bytes, 9, 9, 9 * 2048L), (reports.MaxBy(r => r.ShardsDone)!.TotalBytes, reports.Max(r => r.ShardsDone), last.ShardsTotal, last.TotalExpectedBytes));
        Assert.Equal(9, reports.Count(r => r.Phase == ShardPhase.Started));
        var finished = reports.Where(r => r.Phase == ShardPhase.Finished).ToList();
        Assert.Equal(results.Select(r => r.Shard), finished.Select(r => r.Shard).Order());
        Assert.All(finished, r => Assert.Equal(r.Shard, r.Result!.Shard));
    }

    [Fact]
    public async Task Bytes_of_a_failed_attempt_do_not_count()
    {
        var progress = new ProgressRecorder();
        var source = new FakeSource((s, attempt) => attempt == 1 ? TarBuilder.Shard(s, 9000)[..5000] : TarBuilder.Shard(s));
        await new ShardTransfer(Options(progress: progress)).RunAsync(Tasks(2), source, new FakeSink(), Cancel);

        var length = TarBuilder.Shard(Key(1)).Length;
        Assert.Equal([0, length], progress.Reports.Where(r => r.Phase == ShardPhase.Retrying).Select(r => r.TotalBytes));
        Assert.Equal(2 * length, progress.Reports[^1].TotalBytes);
        Assert.Null(progress.Reports[^1].TotalExpectedBytes);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
