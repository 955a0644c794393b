using InfluxBackup.DataDirectory;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Tests.LineProtocol;
using InfluxBackup.Tests.Operations.Export;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Export;

/// <summary>What a real server holds is exported the same from wherever it is read, and another server that imports it answers the same.</summary>
public sealed class ExportTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static DirectoryExportSource Directories(InfluxServer server) =>
        new(ServerDirectories.Open(server.DataDirectory, server.WalDirectory, server.MetaDirectory));

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem)]
    [InlineData(SeriesIndex.Tsi1)]
    public async Task Directories_of_a_killed_server_the_running_server_and_its_backups_export_the_same(SeriesIndex index)
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        using var sets = new TemporaryDirectory();
        // Deletes and the last points are in the WAL alone.
        await AwkwardData.WriteAsync(server, pendingDeletes: true, Cancel);
        await server.KillAsync();
        var killed = await ReadAsync(Directories(server));

        await server.StartAgainAsync(Cancel);
        var live = await ReadAsync(new LiveExportSource(Engine.Access(server)));
        await Engine.BackupAsync(Engine.BackupOptions(server, sets["own"]));
        var own = await ReadAsync(new BackupExportSource(sets["own"], timestamp: null, combine: false));
        (await OfficialTool.BackupAsync(server.DataNode, sets["official"], cancel: Cancel)).EnsureSuccess();
        var official = await ReadAsync(new BackupExportSource(sets["official"], timestamp: null, combine: false));
        await server.StopAsync();
        var stopped = await ReadAsync(Directories(server));

        Assert.True(killed.Length > 30_000, $"{killed.Length} values");
        Assert.Equal(killed, live);
        Assert.Equal(killed, own);
        Assert.Equal(killed, official);
        Assert.Equal(killed, stopped);
    }

    private static async Task<string[]> ReadAsync(ExportSource source)
    {
        using (source)
        {
            var (result, text) = await Exports.ReadAsync(new ExportOptions { Source = source, Retry = Engine.FastRetry });
            Assert.All(result.Findings, f => Assert.Equal("SeriesNotWritable", f.Check));
            // Two measurements, three series of each, ten days.
            Assert.Equal(60, result.FindingCount);
            return Exports.Values(PointLine.Parse(text));
        }
    }

    [RealServerTheory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task What_the_official_tool_imports_is_what_the_server_had(bool oneFieldPerLine, bool afterCompaction)
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var files = new TemporaryDirectory();
        await AwkwardData.WriteAsync(server, pendingDeletes: true, Cancel);
        if (afterCompaction)
        {
            // A start works the deletes into the files, and compacts.
            await server.RestartAsync(Cancel);
            await server.Snapshots.FlushAsync(Cancel);
        }

        var expected = WithoutUnwritable(await PointSnapshot.ReadAsync(server.Http, Cancel));
        await server.KillAsync();
        var result = await Exports.RunAsync(new ExportOptions { Source = Directories(server), Output = files["export.lp.gz"], OneFieldPerLine = oneFieldPerLine, Compression = System.IO.Compression.CompressionLevel.Fastest });
        Assert.Equal(Outcome.Partial, result.Outcome);

        var influx = Executable.Find("influx") ?? throw new InvalidOperationException("influx is not on the PATH.");
        (await MeasuredProcess.RunAsync(
            influx,
            ["-host", target.HttpAddress.Host, "-port", $"{target.HttpAddress.Port}", "-import", "-compressed", "-path", files["export.lp.gz"]],
            TimeSpan.FromMinutes(2),
            Cancel)).EnsureSuccess();

        var differences = (await PointSnapshot.ReadAsync(target.Http, Cancel)).DifferencesFrom(expected);
        // The official importer doubles line feeds in strings.
        Assert.Equal(2, differences.Count);
        Assert.All(differences, d => Assert.Contains("lines", d, StringComparison.Ordinal));
    }

    /// <summary>Without the series that line protocol has no form for, and without databases and policies that hold nothing.</summary>
    private static PointSnapshot WithoutUnwritable(PointSnapshot all)
    {
        var series = all.Series.Where(s => s.Value.Count > 0 && s.Key.Measurement is not ("#hash" or "line\nfeed")).ToDictionary();
        return new PointSnapshot
        {
            Series = series,
            Fields = all.Fields.Where(f => f.Measurement is not ("#hash" or "line\nfeed")).ToHashSet(),
            Policies = all.Policies.Where(p => series.Keys.Any(s => s.Database == p.Database && s.Policy == p.Policy)).ToHashSet(),
            Databases = series.Keys.Select(s => s.Database).ToHashSet(),
        };
    }

    [RealServerFact]
    public async Task A_range_of_times_of_a_running_server_is_what_it_answers_for_it()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await AwkwardData.WriteAsync(server, cancel: Cancel);
        var (from, to) = (AwkwardData.Start + (3 * 86_400_000_000_000L), AwkwardData.Start + (9 * 86_400_000_000_000L));
        using var source = new LiveExportSource(Engine.Access(server));
        foreach (var (start, end) in new[] { (from, to), (from + 1, to), (from, to - 1), (from + 1, to - 1) })
        {
            var lines = await Exports.LinesAsync(new ExportOptions
            {
                Source = source, Times = new(start, end), Measurements = ["days"], Tags = [new("d", ["0", "2"])], Selection = new() { Databases = ["golden"], RetentionPolicies = ["rp_1d"] },
            });
            var answer = await server.Http.QueryAsync(
                $"SELECT * FROM \"golden\".\"rp_1d\".\"days\" WHERE time >= {start} AND time <= {end} AND d != '1'", cancel: Cancel);
            Assert.Equal(answer.Single().Column("time").Select(long.Parse).Order(), lines.Select(l => l.Time).Order());
        }
    }

    [RealServerFact]
    public async Task The_server_s_own_notes_are_left_out_unless_they_are_named()
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { MonitorStore = true }, Cancel);
        await server.Http.ExecuteAsync("CREATE DATABASE d", cancel: Cancel);
        await server.Http.WriteAsync("m f=1 1", "d", cancel: Cancel);
        for (var i = 0; i < 200 && server.ShardFiles("").All(f => !f.Contains("_internal", StringComparison.Ordinal)); i++)
        {
            await Task.Delay(100, Cancel);
        }

        using var source = new LiveExportSource(Engine.Access(server));
        Assert.All(await Exports.LinesAsync(new ExportOptions { Source = source }), l => Assert.Equal("d/autogen", l.Context));
        Assert.NotEmpty(await Exports.LinesAsync(new ExportOptions { Source = source, Selection = Engine.Only("_internal") }));
    }
}
