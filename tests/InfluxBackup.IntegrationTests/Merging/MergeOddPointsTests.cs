using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>Points that a server holds and nobody can write, and points that lie outside of their shard group.</summary>
public sealed class MergeOddPointsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task A_shard_of_which_no_point_can_make_its_group_is_reported_and_not_passed_over()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.InMem, Cancel);
        await scene.Source.Http.WriteAsync($"m f=1 {MergeScene.Time(0)}\nm f=2 {MergeScene.Time(14)}\n", MergeScene.Database, cancel: Cancel);
        // Week 1 holds nothing but a measurement whose lines would be comments.
        await scene.Source.Http.ExecuteAsync($"SELECT f INTO \"#m\" FROM m WHERE time >= {MergeScene.Time(14)}", MergeScene.Database, Cancel);
        await scene.Source.Http.ExecuteAsync($"DELETE FROM m WHERE time >= {MergeScene.Time(14)}", MergeScene.Database, Cancel);
        await scene.Source.Snapshots.FlushAsync(Cancel);
        await scene.BackUpAsync(Cancel);

        var result = await scene.MergeAsync(MergePreference.Existing, Cancel);

        var failed = Assert.Single(result.Shards, s => s.Result.Outcome == ShardOutcome.Failed);
        Assert.Equal("PointsWithoutShard", failed.Result.Error!.Id);
        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(1, result.ShardCount);
    }

    [RealServerFact]
    public async Task A_shard_of_which_only_deleted_points_were_in_sight_is_skipped_by_name()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.InMem, Cancel);
        await scene.WriteToSourceAsync($"m f=1 {MergeScene.Time(0)}\nm f=2 {MergeScene.Time(14)}\nm f=3 {MergeScene.Time(16)}\n", Cancel);
        scene.Source.HoldCompactions();
        // The block of week 1 is deleted in two parts: by its times alone it still has points.
        foreach (var at in (int[])[14, 16])
        {
            await scene.Source.Http.ExecuteAsync($"DELETE FROM m WHERE time = {MergeScene.Time(at)}", MergeScene.Database, Cancel);
        }

        await scene.BackUpAsync(Cancel);

        var result = await scene.MergeAsync(MergePreference.Existing, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal((1, 1), (result.ShardCount, result.SkippedShardCount));
    }
}
