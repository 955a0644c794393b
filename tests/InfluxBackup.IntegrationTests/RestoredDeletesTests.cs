using System.Globalization;
using System.Text;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests;

/// <summary>Deletes that a real server had not yet worked into its files when it was backed up.</summary>
public sealed class RestoredDeletesTests
{
    private const string Database = "all types";
    private const int PointsOfSeries = 5000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, SeriesIndex.Tsi1, false)]
    [InlineData(SeriesIndex.Tsi1, SeriesIndex.InMem, true)]
    public async Task Deleted_points_stay_deleted_after_a_restore_and_after_a_restart(SeriesIndex from, SeriesIndex to, bool withHttp)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = from }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = to }, Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, pendingDeletes: true, Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);
        var backup = await Engine.BackupAsync(Engine.BackupOptions(source, set));
        Assert.Contains(backup.Warnings, w => w.Contains("tombstones", StringComparison.Ordinal));

        var options = Engine.RestoreOptions(target, set) with { Server = Engine.Access(target, withHttp) };
        var plan = await new RestoreOperation(options).PlanAsync(Cancel);
        var restore = await Engine.RestoreAsync(options);
        var renamed = await Engine.RestoreAsync(options with { Selection = Engine.Only(AwkwardData.Deletes), NewDatabase = "renamed" });

        Assert.True(plan.PendingDeletes > 0);
        Assert.Contains("pending deletes applied", plan.ToString(), StringComparison.Ordinal);
        Assert.Equal(Outcome.Complete, restore.Outcome);
        Assert.Equal(plan.PendingDeletes, restore.DeletesApplied);
        Assert.All(restore.Shards.Where(s => s.DeletesApplied > 0), s => Assert.Equal(AwkwardData.Deletes, s.Source.Database));
        // One whole shard was deleted: it is created and nothing is uploaded into it.
        Assert.Single(restore.Shards, s => s.DeletesApplied > 0 && s.Result.Archive!.Entries.Count == 0 && s.Result.Receipt!.StoredBytes == 0);
        Assert.Equal(restore.DeletesApplied, renamed.DeletesApplied);
        for (var restarted = false; ; restarted = true)
        {
            var actual = await PointSnapshot.ReadAsync(target.Http, Cancel);
            Assert.Empty(actual.Of("renamed").DifferencesFrom(expected.Of(AwkwardData.Deletes).Renamed(AwkwardData.Deletes, "renamed")));
            foreach (var database in expected.Databases)
            {
                Assert.Empty(actual.Of(database).DifferencesFrom(expected.Of(database)));
            }

            if (restarted)
            {
                break;
            }

            await target.RestartAsync(Cancel);
        }
    }

    [RealServerTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Any_deletes_of_points_of_all_types_hold_also_in_a_set_that_influxd_made(int seed)
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        var random = new Random(seed);
        await source.Http.ExecuteAsync($"CREATE DATABASE \"{Database}\"", cancel: Cancel);
        for (var generation = 0; generation < 2; generation++)
        {
            foreach (var measurement in (string[])["a", "b", "c"])
            {
                await source.Http.WriteAsync(Points(measurement, random), Database, cancel: Cancel);
            }

            await source.Snapshots.FlushAsync(Cancel);
        }

        source.HoldCompactions();
        for (var i = 0; i < 12; i++)
        {
            await source.Http.ExecuteAsync(RandomDelete(random), Database, Cancel);
        }

        await source.Http.WriteAsync($"a,host=h1 f=-1,i=-1i,b=true,s=\"written after the delete\" {Time(random.Next(PointsOfSeries))}", Database, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);
        (await OfficialTool.BackupAsync(source.DataNode, set, cancel: Cancel)).EnsureSuccess();

        var restore = await Engine.RestoreAsync(Engine.RestoreOptions(target, set));

        Assert.Equal(Outcome.Complete, restore.Outcome);
        Assert.True(restore.DeletesApplied > 0);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
        await target.RestartAsync(Cancel);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    private static long Time(int i) => AwkwardData.Start + (i * 60_000_000_000L);

    private static string Points(string measurement, Random random)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < PointsOfSeries; i++)
        {
            var value = random.NextDouble() * 100;
            lines.Append(CultureInfo.InvariantCulture, $"{measurement},host=h{i % 3} f={value:R},i={i - 2000}i,b={(i % 7 < 3 ? "true" : "false")},s=\"{(char)('a' + (i % 26))} {i}\" {Time(i)}\n");
        }

        return lines.ToString();
    }

    private static string RandomDelete(Random random)
    {
        var measurement = "abc"[random.Next(3)];
        var (from, length) = (random.Next(PointsOfSeries), random.Next(1, 1500));
        var times = $"time >= {Time(from)} AND time < {Time(from + length)}";
        return random.Next(10) switch
        {
            0 => $"DROP SERIES FROM \"{measurement}\" WHERE host = 'h{random.Next(3)}'",
            1 => $"DROP MEASUREMENT \"{measurement}\"",
            2 => $"DELETE FROM \"{measurement}\" WHERE time = {Time(from)}",
            3 => $"DELETE FROM \"{measurement}\" WHERE time < {Time(from / 10)}",
            4 => $"DELETE WHERE {times}",
            5 or 6 => $"DELETE FROM \"{measurement}\" WHERE host = 'h{random.Next(3)}' AND {times}",
            _ => $"DELETE FROM \"{measurement}\" WHERE {times}",
        };
    }
}
