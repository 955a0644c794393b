using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>What a plan says, new names, and merges that are broken off.</summary>
public sealed class MergeCourseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task The_plan_says_how_each_shard_goes_and_changes_nothing()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.InMem, Cancel);
        // Week 0 exists on the server, week 1 does not; week 2 is deleted in the backup; week 3 has groups of a day.
        await scene.WriteToSourceAsync(string.Concat(Enumerable.Range(0, 56).Select(at => $"m f={at} {MergeScene.Time(at)}\n")), Cancel);
        scene.Source.HoldCompactions();
        await scene.Source.Http.ExecuteAsync($"DELETE FROM m WHERE time >= {MergeScene.Time(28)} AND time < {MergeScene.Time(42)}", MergeScene.Database, Cancel);
        await scene.BackUpAsync(Cancel);
        await scene.WriteAsync($"m f=-1 {MergeScene.Time(1)}\n", Cancel);
        await scene.Target.Http.ExecuteAsync($"ALTER RETENTION POLICY rp ON {MergeScene.Database} SHARD DURATION 1d", cancel: Cancel);
        await scene.WriteAsync(string.Concat(Enumerable.Range(42, 14).Where(at => at != 45).Select(at => $"m f=-1 {MergeScene.Time(at)}\n")), Cancel);
        var (existing, shards) = (await scene.ReadAsync(Cancel), await scene.Target.Http.QueryColumnAsync("SHOW SHARDS", column: "id", cancel: Cancel));

        var plan = await scene.PlanAsync(MergePreference.Existing, Cancel);

        Assert.Empty(plan.Conflicts);
        Assert.Equal(1 + 7 + 1 + 7, plan.Shards.Count);
        var week0 = Assert.Single(plan.Shards, s => s.Start == ShardTime.ToDateTime(MergeScene.Time(0)));
        Assert.Equal((MergeWay.WholeFiles, false), (week0.Way, week0.CreatesGroup));
        Assert.All(plan.Shards.Where(s => s.Start >= ShardTime.ToDateTime(MergeScene.Time(14)) && s.Start < ShardTime.ToDateTime(MergeScene.Time(28))), s => Assert.Equal((MergeWay.CutByTime, true, null), (s.Way, s.CreatesGroup, s.ShardId)));
        var week2 = Assert.Single(plan.Shards, s => s.Start == ShardTime.ToDateTime(MergeScene.Time(28)));
        Assert.Equal((MergeWay.Skipped, "it holds no points"), (week2.Way, week2.Reason));
        Assert.True(week2.PendingDeletes > 0);
        Assert.Equal(7, plan.Shards.Count(s => s.Start >= ShardTime.ToDateTime(MergeScene.Time(42)) && s.Way == MergeWay.CutByTime && !s.CreatesGroup));
        Assert.Equal(shards, await scene.Target.Http.QueryColumnAsync("SHOW SHARDS", column: "id", cancel: Cancel));
        Assert.Empty(existing.DifferencesFrom(await scene.ReadAsync(Cancel)));

        var result = await scene.MergeAsync(MergePreference.Existing, Cancel);
        Assert.Equal((Outcome.Complete, 7), (result.Outcome, result.NewGroupCount));
        await scene.AssertHoldsAsync(scene.Expect(MergePreference.Existing, existing), Cancel);
    }

    [RealServerFact]
    public async Task Another_database_and_a_policy_that_is_yet_to_be_made_can_be_merged_into()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel);
        await scene.BackUpAsync(Days(0, 20), Cancel);
        await scene.Target.Http.ExecuteAsync("CREATE DATABASE other", cancel: Cancel);
        await scene.Target.Http.WriteAsync(Days(5, 10, "x"), "other", cancel: Cancel);
        var options = scene.Options with
        {
            Selection = new ShardSelection { Databases = [MergeScene.Database], RetentionPolicies = ["rp"] }, NewDatabase = "other", NewRetentionPolicy = "new \"policy\"",
        };

        var result = await MergeScene.MergeAsync(options, MergePreference.Existing, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal("new \"policy\"", Assert.Single(result.NewPolicies).Name);
        var actual = await PointModel.ReadAsync(scene.Target.Http, "other", Cancel);
        Assert.Empty(scene.Backup.InPolicy("new \"policy\"").DifferencesFrom(actual.Where(p => p.Policy != "autogen")));
        Assert.Equal(10, actual.Where(p => p.Policy == "autogen").Count);
    }

    [RealServerTheory]
    [InlineData(MergePreference.Existing, SeriesIndex.Tsi1)]
    [InlineData(MergePreference.Backup, SeriesIndex.InMem)]
    public async Task A_merge_that_was_broken_off_goes_on_where_it_was(MergePreference prefer, SeriesIndex index)
    {
        await using var scene = await MergeScene.StartAsync(index, Cancel, "1d", "1d");
        await scene.BackUpAsync(Days(0, 40), Cancel);
        await scene.WriteAsync(Days(10, 30, "-"), Cancel);
        scene.Target.HoldCompactions();
        var existing = await scene.ReadAsync(Cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var broken = new MergeOperation(scene.Options with { Parallelism = 2, Progress = new CancelAfter(8, stop) }, prefer);
        var plan = await broken.PlanAsync(Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => broken.RunAsync(plan, stop.Token));

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.InRange(result.SkippedShardCount, 6, 12);
        await scene.AssertHoldsAsync(scene.Expect(prefer, existing), Cancel);
    }

    [RealServerTheory]
    [InlineData(MergePreference.Existing)]
    [InlineData(MergePreference.Backup)]
    public async Task A_server_that_is_killed_in_the_middle_of_a_merge_has_everything_after_another_one(MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel, "1d", "7d");
        await scene.BackUpAsync(Days(0, 120), Cancel);
        await scene.WriteAsync(Days(20, 60, "-"), Cancel);
        var existing = await scene.ReadAsync(Cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var operation = new MergeOperation(scene.Options with { Parallelism = 2, Progress = new CancelAfter(3, stop) }, prefer);
        var plan = await operation.PlanAsync(Cancel);
        var merging = operation.RunAsync(plan, Cancel);
        await Task.WhenAny(merging, Task.Delay(Timeout.Infinite, stop.Token));
        await scene.Target.KillAsync();
        var broken = await merging;
        await scene.Target.StartAgainAsync(Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.True(broken.FailedShardCount > 0);
        Assert.Equal(Outcome.Complete, result.Outcome);
        await scene.AssertHoldsAsync(scene.Expect(prefer, existing), Cancel);
    }

    private static string Days(int from, int to, string sign = "") => string.Concat(Enumerable.Range(from, to - from).Select(at =>
        string.Create(CultureInfo.InvariantCulture, $"m,d={at % 5} v=\"{sign}{at}\",w{at % 3}={at} {MergeScene.Time(at)}\n")));

    /// <summary>Cancels when so many shards are done.</summary>
    private sealed class CancelAfter(int shards, CancellationTokenSource stop) : IProgress<TransferProgress>
    {
        private int done;

        public void Report(TransferProgress value)
        {
            if (value.Phase == ShardPhase.Finished && Interlocked.Increment(ref done) == shards)
            {
                stop.Cancel();
            }
        }
    }
}
