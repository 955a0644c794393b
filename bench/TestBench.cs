using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>
/// How long a deep test of a backup takes, beside the mere unzipping of the same archives to nowhere: of the official tool's set and of
/// ours. Two gzips at once are the harder measure on a machine with two processors, as our test uses both.
/// </summary>
internal sealed class TestBench(BenchOptions options)
{
    private const string OneByOne = "gzip -dc, 1";
    private const string TwoAtOnce = "gzip -dc, 2";
    private const string AllInOne = "exec gzip -dc \"$0\"/*.tar.gz > /dev/null";
    private const string TwoProcesses = "printf '%s\\0' \"$0\"/*.tar.gz | xargs -0 -P 2 -n 1 gzip -dc > /dev/null";

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var peersSet = new WorkDirectory(options.WorkDirectory);
        using var ourSet = new WorkDirectory(options.WorkDirectory);
        await MakeSetsAsync(peersSet.Path, ourSet.Path, cancel);
        bool failed = await MeasureAsync("set of influxd backup -portable", peersSet.Path, cancel);
        return failed | await MeasureAsync("set of influxbackup backup", ourSet.Path, cancel) ? 1 : 0;
    }

    private async Task MakeSetsAsync(string peersSet, string ourSet, CancellationToken cancel)
    {
        await using var loaded = await LoadedServer.StartAsync(options, cancel);
        string node = loaded.Server.DataNode;
        (await OfficialTool.BackupAsync(node, peersSet, timeout: TimeSpan.FromMinutes(30), cancel: cancel)).EnsureSuccess();
        var ours = BackupMeasure.Of(await OurTool.BackupAsync(node, ourSet, cancel), ourSet, options.Shards);
        if (ours.Failure is { } failure)
        {
            throw new BenchException("Our own backup failed: " + failure);
        }
    }

    private async Task<bool> MeasureAsync(string title, string set, CancellationToken cancel)
    {
        var table = new ResultTable(OneByOne, TwoAtOnce);
        for (int round = 0; round <= options.Rounds; round++)
        {
            Console.Error.WriteLine($"{title}: round {round} of {options.Rounds}");
            // The first round brings the archives into the page cache; nobody is to pay for that.
            var into = round == 0 ? new ResultTable() : table;
            into.Add(OneByOne, await UnzipAsync(AllInOne, set, cancel));
            into.Add(TwoAtOnce, await UnzipAsync(TwoProcesses, set, cancel));
            into.Add("test", await TestAsync(set, cancel));
            into.Add("test, one shard at once", await TestAsync(set, cancel, "--throttle-limit", "1"));
            into.Add("test --quick", await TestAsync(set, cancel, "--quick"));
            into.Add("test --read-data-subset 1/10", await TestAsync(set, cancel, "--read-data-subset", "1/10"));
            into.Add("shards --detailed", Judge(await OurTool.RunAsync(["shards", "--path", set, "--detailed", "--json"], cancel)));
        }
        Console.WriteLine(title);
        table.Print();
        return table.HasFailures;
    }

    private static async Task<Measure> UnzipAsync(string command, string set, CancellationToken cancel) =>
        Judge(await MeasuredProcess.RunAsync("/bin/sh", ["-c", command, set], TimeSpan.FromMinutes(30), cancel));

    private static async Task<Measure> TestAsync(string set, CancellationToken cancel, params string[] arguments)
    {
        var run = await OurTool.RunAsync(["test", "--path", set, "--json", .. arguments], cancel);
        var measure = Judge(run);
        return measure.Failure is null && !run.Output.Contains("\"findings\":[]", StringComparison.Ordinal)
            ? measure with { Failure = "it found something: " + run.Output }
            : measure;
    }

    private static Measure Judge(ProcessRun run) =>
        new(run) { Failure = run.ExitCode == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"exit code {run.ExitCode}: {run.Text}") };
}
