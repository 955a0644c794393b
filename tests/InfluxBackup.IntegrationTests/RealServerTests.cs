using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests;

/// <summary>The instruments themselves: whoever trusts a comparison must know that it sees what it should.</summary>
public sealed class RealServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem)]
    [InlineData(SeriesIndex.Tsi1)]
    public async Task Influxd_backup_and_influxd_restore_round_trip(SeriesIndex index)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);
        Assert.InRange(expected.PointCount, 9_000, 20_000);

        await BackupAndRestoreAsync(source, target);

        Assert.Empty(await expected.WaitForDifferencesAsync(target.Http, Cancel));
    }

    [RealServerFact]
    public async Task Influxd_restore_into_another_name_is_equal_after_renaming()
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        await AwkwardData.WriteAsync(source, cancel: Cancel);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);

        await BackupAndRestoreAsync(source, target, "-db", AwkwardData.Golden, "-newdb", "copy");

        Assert.Empty(await expected.Of(AwkwardData.Golden).Renamed(AwkwardData.Golden, "copy").WaitForDifferencesAsync(target.Http, Cancel));
    }

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem)]
    [InlineData(SeriesIndex.Tsi1)]
    public async Task Pending_deletes_stay_pending_and_influxd_restore_brings_the_points_back(SeriesIndex index)
    {
        await using var source = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await using var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await AwkwardData.WriteAsync(source, pendingDeletes: true, Cancel);
        var tombstones = source.ShardFiles(".tombstone");
        Assert.NotEmpty(tombstones);
        var expected = await PointSnapshot.ReadAsync(source.Http, Cancel);

        await BackupAndRestoreAsync(source, target);

        // Longer than the second in which a server compacts files with tombstones, were it not held back.
        await Task.Delay(TimeSpan.FromSeconds(3), Cancel);
        Assert.Subset(source.ShardFiles(".tombstone").ToHashSet(), tombstones.ToHashSet());
        var differences = await expected.WaitForDifferencesAsync(target.Http, Cancel);
        Assert.NotEmpty(differences);
        Assert.All(differences, difference => Assert.StartsWith("unexpected", difference, StringComparison.Ordinal));
        Assert.Contains(differences, difference => difference.StartsWith("unexpected series deletes.autogen.dropm", StringComparison.Ordinal));
    }

    [RealServerFact]
    public async Task A_snapshot_names_the_point_that_differs()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync("m,t=a i=9223372036854775807i 1\nm,t=a i=1i 2\nm,t=b i=1i 1", "db", cancel: Cancel);
        var before = await PointSnapshot.ReadAsync(server.Http, Cancel);
        Assert.Empty((await PointSnapshot.ReadAsync(server.Http, Cancel)).DifferencesFrom(before));

        await server.Http.WriteAsync("m,t=a i=9223372036854775806i 1\nm,t=c i=1i,g=2 1", "db", cancel: Cancel);
        var after = await PointSnapshot.ReadAsync(server.Http, Cancel);

        Assert.Equal(
            [
                """missing point db.autogen.m {"t":"a"} 1 i=9223372036854775807""",
                """unexpected point db.autogen.m {"t":"a"} 1 i=9223372036854775806""",
                """unexpected series db.autogen.m {"t":"c"}, 1 points""",
                "unexpected field db.autogen.m g: float",
            ],
            after.DifferencesFrom(before));
        Assert.Equal(2, after.DifferencesFrom(before, limit: 2).Count);
    }

    [RealServerFact]
    public async Task A_server_keeps_ports_and_points_over_a_restart_and_a_kill()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        string dataNode = server.DataNode;
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync("m v=1 1", "db", cancel: Cancel);

        await server.RestartAsync(Cancel);
        await server.Http.WriteAsync("m v=2 2", "db", cancel: Cancel);
        await server.KillAsync();
        Assert.False(server.IsRunning);
        await server.StartAgainAsync(Cancel);

        Assert.Equal(dataNode, server.DataNode);
        Assert.Equal(["1", "2"], await server.Http.QueryColumnAsync("SELECT v FROM m", "db", "v", Cancel));
        var shard = Assert.Single(await server.Snapshots.ListShardsAsync(cancel: Cancel));
        Assert.Equal(("db", "autogen"), (shard.Database, shard.Policy));
    }

    [RealServerFact]
    public async Task A_disposed_server_leaves_nothing_behind()
    {
        var server = await InfluxServer.StartAsync(cancel: Cancel);
        int processId = server.ProcessId;
        await server.DisposeAsync();
        Assert.False(Directory.Exists(server.Directory));
        Assert.False(Directory.Exists($"/proc/{processId}"));
    }

    [RealServerFact]
    public async Task A_server_with_authentication_refuses_strangers()
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Authentication = true }, Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        using var stranger = new InfluxHttp(server.HttpAddress);
        var refusal = await Assert.ThrowsAsync<InfluxHttpException>(() => stranger.QueryAsync("SHOW DATABASES", cancel: Cancel));
        Assert.Contains("401", refusal.Message, StringComparison.Ordinal);
        await server.RestartAsync(Cancel);
        Assert.Equal(["db"], await server.Http.QueryColumnAsync("SHOW DATABASES", cancel: Cancel));
    }

    [RealServerFact]
    public async Task The_monitor_store_makes_a_shard_of_internal_and_snapshots_leave_it_out()
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { MonitorStore = true }, Cancel);
        for (int wait = 0; wait < 150 && (await server.Snapshots.ListShardsAsync(cancel: Cancel)).Count == 0; wait++)
        {
            await Task.Delay(100, Cancel);
        }
        Assert.Equal("_internal", Assert.Single(await server.Snapshots.ListShardsAsync(cancel: Cancel)).Database);
        Assert.Empty((await PointSnapshot.ReadAsync(server.Http, Cancel)).Databases);
    }

    [RealServerFact]
    public async Task A_tool_that_fails_says_so_and_one_that_hangs_is_ended()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        string path = Path.Combine(server.Directory, "set");
        var failed = await OfficialTool.RestoreAsync(server.DataNode, path, cancel: Cancel);
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("backup path should be a valid directory", failed.Text, StringComparison.Ordinal);

        (await OfficialTool.BackupAsync(server.DataNode, path, cancel: Cancel)).EnsureSuccess();
        Assert.NotEmpty(Directory.GetFiles(path, "*.manifest"));

        await Assert.ThrowsAsync<TimeoutException>(
            () => MeasuredProcess.RunAsync("/bin/sleep", ["60"], TimeSpan.FromMilliseconds(200), Cancel));
    }

    [Fact]
    public async Task A_process_is_measured()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        // One block of memory, filled again and again.
        var run = (await MeasuredProcess.RunAsync("/bin/dd", ["if=/dev/zero", "of=/dev/null", "bs=64M", "count=30"], TimeSpan.FromMinutes(1), Cancel)).EnsureSuccess();
        Assert.InRange(run.PeakMemory, 64 << 20, 80 << 20);
        Assert.InRange(run.Cpu, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(10));
        Assert.Contains("30", run.Error, StringComparison.Ordinal);
    }

    private static async Task BackupAndRestoreAsync(InfluxServer source, InfluxServer target, params string[] restoreArguments)
    {
        string set = Path.Combine(source.Directory, "set");
        (await OfficialTool.BackupAsync(source.DataNode, set, cancel: Cancel)).EnsureSuccess();
        (await OfficialTool.RestoreAsync(target.DataNode, set, restoreArguments, cancel: Cancel)).EnsureSuccess();
    }
}
