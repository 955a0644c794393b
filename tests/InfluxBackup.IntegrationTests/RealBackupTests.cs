using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests;

/// <summary>The judge of every byte: what we back up, a real server restores, and the other way round.</summary>
public sealed class RealBackupTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem)]
    [InlineData(SeriesIndex.Tsi1)]
    public async Task Influxd_restores_what_we_backed_up(SeriesIndex index)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);

        var backup = await Engine.BackupAsync(Engine.BackupOptions(source, set));
        await Engine.OfficialRestoreAsync(target, set);

        Assert.Equal(Outcome.Complete, backup.Outcome);
        Assert.True(backup.ShardCount > 10);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem)]
    [InlineData(SeriesIndex.Tsi1)]
    public async Task We_restore_what_influxd_backed_up(SeriesIndex index)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);
        (await OfficialTool.BackupAsync(source.DataNode, set, cancel: Cancel)).EnsureSuccess();

        var restore = await Engine.RestoreAsync(Engine.RestoreOptions(target, set));

        Assert.Equal(Outcome.Complete, restore.Outcome);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
        await target.RestartAsync(Cancel);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, SeriesIndex.Tsi1)]
    [InlineData(SeriesIndex.Tsi1, SeriesIndex.InMem)]
    public async Task We_restore_what_we_backed_up(SeriesIndex from, SeriesIndex to)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = from }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = to }, Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);

        var backup = await Engine.BackupAsync(Engine.BackupOptions(source, set) with { Server = Engine.Access(source, withHttp: true) });
        var tested = Assert.Single(await Engine.TestAsync(set));
        var restore = await Engine.RestoreAsync(Engine.RestoreOptions(target, set) with { Server = Engine.Access(target, withHttp: true) });

        Assert.Equal("1.6.7~rc0", backup.ServerVersion);
        Assert.True(tested.IsSound, string.Join('\n', tested.Findings));
        Assert.Equal(backup.ShardCount, tested.ShardCount);
        Assert.Equal(Outcome.Complete, restore.Outcome);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerFact]
    public async Task A_database_and_a_policy_come_back_under_new_names_beside_the_old()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(server, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(server.Http, Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(server, set));

        await Engine.RestoreAsync(Engine.RestoreOptions(server, set) with { Selection = Engine.Only(AwkwardData.Dotted), NewDatabase = "kopie über.1" });
        await Engine.RestoreAsync(Engine.RestoreOptions(server, set) with
        {
            Selection = new ShardSelection { Databases = [AwkwardData.Golden], RetentionPolicies = ["rp_1h"] },
            NewDatabase = "hours",
            NewRetentionPolicy = "hourly",
        });

        var actual = await PointSnapshot.ReadAsync(server.Http, Cancel);
        Assert.Empty(actual.Of("kopie über.1").DifferencesFrom(expected.Of(AwkwardData.Dotted).Renamed(AwkwardData.Dotted, "kopie über.1")));
        Assert.Empty(actual.Of(AwkwardData.Golden).DifferencesFrom(expected.Of(AwkwardData.Golden)));
        var hours = actual.Of("hours");
        Assert.Equal("hourly", Assert.Single(hours.Policies).Policy);
        Assert.True(Assert.Single(hours.Policies).IsDefault);
        Assert.Equal(expected.Of(AwkwardData.Golden, "rp_1h").PointCount, hours.PointCount);
        Assert.NotEqual(0, hours.PointCount);
    }

    [RealServerFact]
    public async Task One_shard_is_backed_up_and_restored_by_its_id_alone_and_no_other_is_created()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(server, cancel: Cancel);
        var shards = await CatalogOperation.ReadServerAsync(Engine.Access(server), Engine.Only(AwkwardData.Golden), Cancel);
        var chosen = shards.First(s => s.RetentionPolicy == "rp_1h");

        var backup = await Engine.BackupAsync(Engine.BackupOptions(server, set) with { Selection = new ShardSelection { ShardIds = [chosen.ShardId] } });
        var restore = await Engine.RestoreAsync(Engine.RestoreOptions(server, set) with { NewDatabase = "one" });

        Assert.Equal(new ShardKey(AwkwardData.Golden, "rp_1h", chosen.ShardId), Assert.Single(backup.Shards).Shard);
        Assert.Equal(["one"], restore.Databases);
        var restored = await CatalogOperation.ReadServerAsync(Engine.Access(server), Engine.Only("one"), Cancel);
        Assert.Equal(chosen.StartTime, Assert.Single(restored).StartTime);
    }

    [RealServerFact]
    public async Task Unchanged_shards_are_left_out_and_the_combination_of_the_set_brings_everything_back()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        await using var official = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var full = await Engine.BackupAsync(Engine.BackupOptions(source, set));
        await Task.Delay(TimeSpan.FromSeconds(1.5), Cancel);
        var since = DateTimeOffset.UtcNow;
        await Task.Delay(TimeSpan.FromSeconds(0.5), Cancel);
        await source.Http.WriteAsync($"later,t=x f=1 {AwkwardData.Start}", AwkwardData.Golden, "rp_1d", cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);

        var increment = await Engine.BackupAsync(Engine.BackupOptions(source, set) with { Since = since });
        var alone = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(Engine.RestoreOptions(target, set)));
        var combined = await Engine.RestoreAsync(Engine.RestoreOptions(target, set) with { Combine = true });
        await Engine.OfficialRestoreAsync(official, set);

        Assert.Equal(1, increment.ShardCount);
        Assert.Equal(full.ShardCount - 1, increment.Shards.Count(s => s.SkipReason == SkipReason.Unchanged));
        Assert.Equal("BackupIsIncremental", alone.Id);
        Assert.Equal(Outcome.Complete, combined.Outcome);
        Assert.Empty((await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected));
        Assert.Empty((await PointSnapshot.ReadAsync(official.Http, Cancel)).DifferencesFrom(expected));
    }

    [RealServerFact]
    public async Task Points_acknowledged_before_the_backup_are_in_it_while_writes_go_on()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await source.Http.CreateDatabaseAsync("load", Cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var acknowledged = 0L;
        var writer = Task.Run(async () =>
        {
            for (var batch = 0; !stop.IsCancellationRequested && batch < 2000; batch++)
            {
                var lines = string.Join('\n', Enumerable.Range(0, 500).Select(i => $"m,t={i % 50} s=\"{new string((char)('a' + (i % 26)), 120)}\" {AwkwardData.Start + (batch * 500L) + i}"));
                await source.Http.WriteAsync(lines, "load", cancel: Cancel);
                Interlocked.Add(ref acknowledged, 500);
            }
        }, Cancel);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancel);
        var before = Interlocked.Read(ref acknowledged);

        var backup = await Engine.BackupAsync(Engine.BackupOptions(source, set));
        await stop.CancelAsync();
        await writer;
        await Engine.RestoreAsync(Engine.RestoreOptions(target, set));

        Assert.Equal(Outcome.Complete, backup.Outcome);
        Assert.True(before > 0);
        var counted = await target.Http.QueryAsync($"SELECT count(s) FROM m WHERE time < {AwkwardData.Start + before}", "load", Cancel);
        Assert.Equal([before.ToString(System.Globalization.CultureInfo.InvariantCulture)], counted.Single().Column("count"));
    }
}
