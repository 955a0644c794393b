using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>A backup merged into a database that a real server has and uses.</summary>
public sealed class MergeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, MergePreference.Existing, "7d", "7d")]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Existing, "7d", "7d")]
    [InlineData(SeriesIndex.InMem, MergePreference.Backup, "7d", "7d")]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Backup, "7d", "7d")]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Existing, "1d", "7d")]
    [InlineData(SeriesIndex.InMem, MergePreference.Backup, "1d", "7d")]
    [InlineData(SeriesIndex.InMem, MergePreference.Existing, "7d", "1d")]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Backup, "7d", "1d")]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Existing, "36h", "5d")]
    public async Task Of_equal_points_the_preferred_side_wins_and_all_others_are_there(SeriesIndex index, MergePreference prefer, string sourceGroups, string targetGroups)
    {
        await using var scene = await MergeScene.StartAsync(index, Cancel, sourceGroups, targetGroups);
        await scene.WriteToSourceAsync(Points(1, 0, 20, ["a", "b"], ["f", "g"]) + Points(1, 0, 3, ["early"], ["x"], "n"), Cancel);
        await scene.BackUpAsync(Points(2, 5, 12, ["a"], ["f"]) + Points(2, 45, 48, ["late"], ["y"], "n"), Cancel);
        await scene.WriteAsync(Points(3, 10, 30, ["b", "c"], ["g", "h"]), Cancel);
        await scene.WriteAsync(Points(4, 15, 18, ["b"], ["g"]), Cancel);
        var existing = await scene.ReadAsync(Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Empty(result.HiddenFields);
        Assert.True(result.NewGroupCount > 0);
        Assert.Contains(result.Shards, s => !s.IsNew);
        await scene.AssertHoldsAsync(scene.Expect(prefer, existing), Cancel);
    }

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, MergePreference.Existing)]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Backup)]
    public async Task Merged_again_nothing_is_sent_and_nothing_changes(SeriesIndex index, MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(index, Cancel, "1d", "7d");
        await scene.BackUpAsync(Points(1, 0, 20, ["a", "b"], ["f"]), Cancel);
        await scene.WriteAsync(Points(2, 10, 30, ["b"], ["f", "g"]), Cancel);
        scene.Target.HoldCompactions();
        var existing = await scene.ReadAsync(Cancel);
        await scene.MergeAsync(prefer, Cancel);

        var again = await scene.MergeAsync(prefer, Cancel);

        Assert.All(again.Shards, s => Assert.Equal(SkipReason.AlreadyThere, s.Result.SkipReason));
        Assert.Equal((Outcome.Complete, 0L), (again.Outcome, again.Bytes));
        await scene.AssertHoldsAsync(scene.Expect(prefer, existing), Cancel);
    }

    [RealServerTheory]
    [InlineData(MergePreference.Existing)]
    [InlineData(MergePreference.Backup)]
    public async Task A_backup_of_the_server_itself_brings_back_what_was_changed_or_deleted_since_as_preferred(MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel);
        foreach (var server in (InfluxServer[])[scene.Source, scene.Target])
        {
            await server.Http.WriteAsync(Points(1, 0, 20, ["a", "b"], ["f"]), MergeScene.Database, cancel: Cancel);
        }

        await scene.BackUpAsync(Cancel);
        await scene.WriteAsync(Points(2, 5, 10, ["a"], ["f"]), Cancel);
        scene.Target.HoldCompactions();
        await scene.Target.Http.ExecuteAsync("DROP SERIES FROM m WHERE s = 'b'", MergeScene.Database, Cancel);
        var existing = await scene.ReadAsync(Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        await scene.AssertHoldsAsync(scene.Expect(prefer, existing), Cancel);
    }

    [RealServerTheory]
    [InlineData(MergePreference.Existing)]
    [InlineData(MergePreference.Backup)]
    public async Task Several_merges_one_after_another_each_find_room_for_their_files(MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel);
        await scene.WriteAsync(Points(9, 0, 5, ["a"], ["f"]), Cancel);
        scene.Target.HoldCompactions();
        for (var round = 1; round <= 3; round++)
        {
            await scene.BackUpAsync(Points(round, 2, 6 + (2 * round), ["a"], ["f", "g" + round]), Cancel);
            var existing = await scene.ReadAsync(Cancel);

            var result = await scene.MergeAsync(prefer, Cancel);

            Assert.Equal(Outcome.Complete, result.Outcome);
            Assert.Empty(scene.Expect(prefer, existing).DifferencesFrom(await scene.ReadAsync(Cancel)));
        }

        await scene.AssertHoldsAsync(await scene.ReadAsync(Cancel), Cancel);
    }

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, SeriesIndex.Tsi1, MergePreference.Existing)]
    [InlineData(SeriesIndex.Tsi1, SeriesIndex.InMem, MergePreference.Backup)]
    public async Task Awkward_data_come_back_into_a_server_that_lost_parts_of_them(SeriesIndex from, SeriesIndex to, MergePreference prefer)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = from }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = to }, Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, pendingDeletes: true, Cancel);
        await AwkwardData.WriteAsync(target, pendingDeletes: false, Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(source, set));
        await target.Http.ExecuteAsync("DROP MEASUREMENT \"days\"", AwkwardData.Golden, Cancel);
        await target.Http.ExecuteAsync("DELETE FROM \"block\" WHERE time < 0", AwkwardData.Golden, Cancel);
        await target.Http.ExecuteAsync("DROP RETENTION POLICY \"two words\" ON \"dotted.db-1 größe\"", cancel: Cancel);
        var databases = await source.Http.QueryColumnAsync("SHOW DATABASES", cancel: Cancel);
        var expected = new Dictionary<string, PointModel>();
        foreach (var database in databases)
        {
            var (backup, existing) = (await PointModel.ReadAsync(source.Http, database, Cancel), await PointModel.ReadAsync(target.Http, database, Cancel));
            expected[database] = prefer == MergePreference.Existing ? PointModel.Overlay(backup, existing) : PointModel.Overlay(existing, backup);
        }

        var options = Engine.RestoreOptions(target, set) with { Server = Engine.Access(target, withHttp: true), AllowPartial = false };

        var plan = await new MergeOperation(options, prefer).PlanAsync(Cancel);
        var result = await MergeScene.MergeAsync(options, prefer, Cancel);

        Assert.Equal("two words", Assert.Single(plan.NewPolicies).Name);
        Assert.Empty(result.Shards.Select(s => s.Result.Error?.Message).OfType<string>());
        Assert.Empty(result.HiddenFields);
        Assert.Equal(Outcome.Complete, result.Outcome);
        for (var restarted = false; ; restarted = true)
        {
            foreach (var database in databases)
            {
                Assert.Empty(expected[database].DifferencesFrom(await PointModel.ReadAsync(target.Http, database, Cancel)));
            }

            if (restarted)
            {
                break;
            }

            await target.RestartAsync(Cancel);
        }
    }

    [RealServerTheory]
    [InlineData(MergePreference.Existing)]
    [InlineData(MergePreference.Backup)]
    public async Task What_the_backup_had_deleted_stays_deleted_and_what_the_server_deleted_comes_back(MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel);
        await scene.WriteToSourceAsync(Points(1, 0, 20, ["a", "b"], ["f", "g"]), Cancel);
        scene.Source.HoldCompactions();
        await scene.Source.Http.ExecuteAsync($"DELETE FROM m WHERE s = 'a' AND time < {MergeScene.Time(10)}", MergeScene.Database, Cancel);
        await scene.BackUpAsync(Cancel);
        await scene.WriteAsync(Points(2, 5, 15, ["b"], ["f"]) + Points(2, 0, 2, ["c"], ["f"]), Cancel);
        scene.Target.HoldCompactions();
        await scene.Target.Http.ExecuteAsync($"DELETE FROM m WHERE s = 'b' AND time >= {MergeScene.Time(10)}", MergeScene.Database, Cancel);
        await scene.Target.Http.ExecuteAsync("DROP SERIES FROM m WHERE s = 'c'", MergeScene.Database, Cancel);
        Assert.NotEmpty(scene.Target.ShardFiles(".tombstone"));
        var existing = await scene.ReadAsync(Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.True(result.DeletesApplied > 0);
        var expected = scene.Expect(prefer, existing);
        Assert.DoesNotContain(expected.Places, p => p.Tags.Contains("\"c\"", StringComparison.Ordinal));
        Assert.Contains(expected.Places, p => p.Tags.Contains("\"b\"", StringComparison.Ordinal) && p.Time == MergeScene.Time(12).ToString(CultureInfo.InvariantCulture));
        await scene.AssertHoldsAsync(expected, Cancel);
    }

    [RealServerTheory]
    [InlineData(MergePreference.Existing)]
    [InlineData(MergePreference.Backup)]
    public async Task Points_that_are_written_meanwhile_are_never_lost(MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel, "1d", "7d");
        await scene.BackUpAsync(Points(1, 0, 60, ["a", "b"], ["f", "g"]), Cancel);
        await scene.WriteAsync(Points(2, 20, 80, ["b"], ["f"]), Cancel);
        var existing = await scene.ReadAsync(Cancel);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var writer = Task.Run(
            async () =>
            {
                var written = 0;
                while (!done.IsCancellationRequested)
                {
                    var lines = Points(written + 1000, written % 60, (written % 60) + 1, ["live"], ["f", "k"]).Replace("m,", $"live,n={written} ", StringComparison.Ordinal).Replace(" s=live", "", StringComparison.Ordinal);
                    await MergeScene.RetryAsync(() => scene.Target.Http.WriteAsync(lines, MergeScene.Database, cancel: Cancel));
                    written++;
                }

                return written;
            },
            Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);
        await done.CancelAsync();
        var written = await writer;

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.True(written > 0);
        var live = (await scene.ReadAsync(Cancel)).Where(p => p.Measurement == "live");
        Assert.Equal(2 * written, live.Count);
        await scene.AssertHoldsAsync(PointModel.Overlay(scene.Expect(prefer, existing), live), Cancel);
    }

    private static string Points(int value, int from, int to, string[] series, string[] fields, string measurement = "m") =>
        string.Concat(Enumerable.Range(from, to - from).SelectMany(at => series.Select(s =>
            string.Create(CultureInfo.InvariantCulture, $"{measurement},s={s} {string.Join(',', fields.Select(f => $"{f}={value}{at:D3}i"))} {MergeScene.Time(at)}\n"))));
}
