using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Faults;

/// <summary>What a real server does to a run when it is killed, or loses a shard, in the middle of it.</summary>
public sealed class RealFaultTests
{
    private static readonly TransferOptions Patient = new() { MaxAttempts = 30, RetryDelay = TimeSpan.FromMilliseconds(100), MaxRetryDelay = TimeSpan.FromSeconds(1) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task A_real_server_killed_and_started_again_in_the_middle_of_a_backup_loses_nothing()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);
        var killed = new AfterFirstShard(() => Revive(source));

        var backup = await Engine.BackupAsync(Engine.BackupOptions(source, set) with { Parallelism = 1, Progress = killed, Retry = Patient });
        await killed.Done;
        await Engine.RestoreAsync(Engine.RestoreOptions(target, set));

        Assert.Equal(Outcome.Complete, backup.Outcome);
        Assert.Contains(backup.Shards, s => s.Attempts > 1);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerFact]
    public async Task A_real_server_killed_and_started_again_in_the_middle_of_a_restore_gets_everything()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(source, set));
        var killed = new AfterFirstShard(() => Revive(target));

        var restore = await Engine.RestoreAsync(Engine.RestoreOptions(target, set) with { Parallelism = 2, Progress = killed, Retry = Patient });
        await killed.Done;

        Assert.Equal(Outcome.Complete, restore.Outcome);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerFact]
    public async Task A_shard_that_a_real_server_drops_before_its_turn_is_left_out_by_name()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var victim = (await CatalogOperation.ReadServerAsync(Engine.Access(source), ShardSelection.Everything, Cancel))[^1];
        var dropped = new AfterFirstShard(() => source.Http.ExecuteAsync($"DROP SHARD {victim.ShardId}", cancel: Cancel));

        var backup = await Engine.BackupAsync(Engine.BackupOptions(source, set) with { Parallelism = 1, Progress = dropped });
        await dropped.Done;

        Assert.Equal(Outcome.Complete, backup.Outcome);
        Assert.Equal(SkipReason.Dropped, backup.Shards.Single(s => s.Shard.Id == victim.ShardId).SkipReason);
        Assert.Contains(backup.Warnings, w => w.Contains($"shard {victim.ShardId} ", StringComparison.Ordinal));
        Assert.Equal(backup.Shards.Count - 1, Assert.Single(await Engine.TestAsync(set)).ShardCount);
    }

    [RealServerFact]
    public async Task A_real_server_can_be_backed_up_after_a_cancelled_restore()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(source, set));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var cancelled = new AfterFirstShard(() => stop.CancelAsync());
        var restore = new RestoreOperation(Engine.RestoreOptions(target, set) with { Progress = cancelled });
        var plan = await restore.PlanAsync(Cancel);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restore.RunAsync(plan, stop.Token));

        var backup = await Engine.BackupAsync(Engine.BackupOptions(target, set["after"]) with { Retry = Patient });
        Assert.Equal(Outcome.Complete, backup.Outcome);
        Assert.True(Assert.Single(await Engine.TestAsync(set["after"])).IsSound);
    }

    private static async Task Revive(InfluxServer server)
    {
        await server.KillAsync();
        await server.StartAgainAsync(Cancel);
    }

    /// <summary>Does something once, when the first shard has ended. The run waits for its beginning only: a kill, not a restart.</summary>
    private sealed class AfterFirstShard(Func<Task> action) : IProgress<TransferProgress>
    {
        private readonly Lazy<Task> done = new(action);

        public Task Done => done.Value;

        public void Report(TransferProgress value)
        {
            if (value.Phase == ShardPhase.Finished)
            {
                _ = done.Value;
            }
        }
    }
}
