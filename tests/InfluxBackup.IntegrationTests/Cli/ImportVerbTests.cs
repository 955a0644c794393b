using System.Diagnostics;
using System.Globalization;
using InfluxBackup.IntegrationTests.Import;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary><c>influxbackup import</c> as a process.</summary>
public sealed class ImportVerbTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_would_be_done_is_shown_and_nothing_is_done()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good);
        await File.WriteAllTextAsync(directory["a.lp"], "# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:r\nm f=1 1500000000000000000\nm f=2 1600000000000000000\n", Cancel);

        var run = (await CliProcess.RunAsync("import", "--path", directory["a.lp"], "--http-uri", $"{stub.Address}", "--what-if", "--json")).Expect(0);

        var plan = Assert.Single(run.OutputObjects);
        var target = Assert.Single(plan.GetProperty("targets").EnumerateArray());
        Assert.Equal(("a", "r", 2), (target.GetProperty("database").GetString(), target.GetProperty("retentionPolicy").GetString(), target.GetProperty("lines").GetInt32()));
        Assert.Equal("2017-07-14T02:40:00Z", target.GetProperty("startTime").GetString());
        Assert.Empty(stub.Writes);
        Assert.Empty(stub.Queries);
        Assert.Equal([directory["a.lp"]], Directory.GetFiles(directory));
    }

    [Fact]
    public async Task Exit_codes_tell_complete_from_partial_and_failed()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["a.lp"], "m f=1 1\nm f=bad 2\n", Cancel);
        await using var stub = new HttpStub(r => r.Body.Contains("bad", StringComparison.Ordinal) ? StubAnswer.Error(400, "partial write: unable to parse 'm f=bad 2': invalid boolean dropped=0") : StubAnswer.Good);
        string[] common = ["--path", directory["a.lp"], "--http-uri", $"{stub.Address}", "--json"];

        var partial = (await CliProcess.RunAsync(["import", .. common, "--database", "db"])).Expect(3);
        Assert.Equal(["LinesRejected"], partial.ErrorIds);
        Assert.Equal(1, Assert.Single(partial.OutputObjects).GetProperty("rejected").GetInt32());
        (await CliProcess.RunAsync(["import", .. common])).Expect(1);
        (await CliProcess.RunAsync(["import", .. common, "--database", "db", "--precision", "d"])).Expect(2);
        (await CliProcess.RunAsync("import", "--path", directory["none.lp"], "--http-uri", $"{stub.Address}", "--database", "db", "--json")).Expect(1);
        (await CliProcess.RunAsync("import", "--path", directory["a.lp"], "--http-uri", "http://127.0.0.1:1", "--database", "db", "--json")).Expect(1);
        (await CliProcess.RunAsync("import", "--path", directory["a.lp"])).Expect(2);
    }

    [Fact]
    public async Task Lines_may_come_through_a_pipe()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good);

        var command = $"printf 'm f=1 1\\nm f=2 2' | gzip | '{CliProcess.ProgramPath}' import --path - --http-uri {stub.Address} --database db --reject-path '{directory["r.lp"]}' --json";
        var run = (await CliProcess.RunProgramAsync("/bin/sh", "-c", command)).Expect(0);

        Assert.Equal(2, Assert.Single(run.OutputObjects).GetProperty("pointsWritten").GetInt32());
        Assert.Equal(["m f=1 1", "m f=2 2"], stub.Writes.SelectMany(w => w.Lines).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Ctrl_C_says_how_to_go_on()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllLinesAsync(directory["a.lp"], Enumerable.Range(0, 100_000).Select(i => $"m f={i} {i}"), Cancel);
        await using var stub = new HttpStub(_ => new StubAnswer(Stall: TimeSpan.FromMilliseconds(50)));
        using var process = CliProcess.Start("import", "--path", directory["a.lp"], "--http-uri", $"{stub.Address}", "--database", "db", "--batch-lines", "100");
        while (stub.Writes.Count < 20)
        {
            Assert.False(process.HasExited, "The import ended before it was met in the middle.");
            await Task.Delay(5, Cancel);
        }

        process.Interrupt();

        var run = (await process.WaitAsync()).Expect(130);
        Assert.Contains("--resume", run.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(directory["a.lp.import-checkpoint"]));
    }

    [RealServerFact]
    public async Task A_killed_import_goes_on_where_it_was_and_in_the_end_every_point_is_there()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);
        const int count = 300_000;
        // Every tenth line has the series and time of one that comes 50 lines later, and that one counts.
        static (int Series, int Time) Key(int i) => (i % 10, i % 100 < 10 ? i + 50 : i);
        await File.WriteAllLinesAsync(directory["a.lp"], Enumerable.Range(0, count).Select(i => $"m,t={Key(i).Series} f={i} {Key(i).Time}"), Cancel);
        string[] arguments = ["import", "--path", directory["a.lp"], "--http-uri", $"{server.HttpAddress}", "--database", "db", "--batch-lines", "1000", "--points-per-second", "60000", "--json"];
        var random = new Random();
        var kills = 0;
        var clock = Stopwatch.StartNew();
        while (kills < 3 && clock.Elapsed < TimeSpan.FromMinutes(1))
        {
            using var process = CliProcess.Start([.. arguments, "--resume"]);
            await Task.Delay(random.Next(1300, 2200), Cancel);
            kills += process.HasExited ? 0 : 1;
            process.Kill();
            await process.WaitAsync();
        }

        var run = (await CliProcess.RunAsync([.. arguments, "--resume"])).Expect(0);

        var before = Assert.Single(run.OutputObjects).GetProperty("linesBefore").GetInt64();
        output.WriteLine($"{kills} kills, resumed at line {before + 1}");
        Assert.True(before > 0);
        var answer = (await server.Http.QueryAsync("SELECT count(f), sum(f) FROM m", "db", Cancel)).Single().Rows.Single();
        var expected = Enumerable.Range(0, count).GroupBy(Key).ToDictionary(g => g.Key, g => g.Last());
        Assert.Equal((expected.Count, expected.Values.Sum(v => (double)v)), (int.Parse(answer[1]!, CultureInfo.InvariantCulture), double.Parse(answer[2]!, CultureInfo.InvariantCulture)));
        Assert.Empty(Directory.GetFiles(directory, "*.import-checkpoint*"));
    }
}
