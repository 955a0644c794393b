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

    [RealServerTheory]
    [InlineData(MergePreference.Existing)]
    [InlineData(MergePreference.Backup)]
    public async Task Fields_are_made_known_to_the_shard_that_takes_them_also_where_it_takes_points_outside_of_its_group(MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel);
        await scene.WriteToSourceAsync($"m f=1 {MergeScene.Time(0)}\nm f=2 {MergeScene.Time(14)}\nm,s=a f=3 {MergeScene.Time(1)}\n", Cancel);
        await scene.Source.StopAsync();
        var (first, second) = (scene.Source.ShardFiles(".tsm")[0], scene.Source.ShardFiles(".tsm")[1]);
        File.Copy(second, Path.Combine(Path.GetDirectoryName(first)!, "000000009-000000001.tsm"));
        File.Delete(second);
        await scene.Source.StartAgainAsync(Cancel);
        await scene.BackUpAsync(Cancel);
        await scene.WriteAsync($"other g=1 {MergeScene.Time(1)}\n", Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(["1"], await scene.Target.Http.QueryColumnAsync($"SELECT f FROM m WHERE time = {MergeScene.Time(0)}", MergeScene.Database, "f", Cancel));
        Assert.Equal(0, result.NewGroupCount);
        Assert.Single(await scene.Target.Http.QueryColumnAsync("SHOW SHARDS", column: "id", cancel: Cancel));
    }
}
