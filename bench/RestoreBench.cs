using System.Diagnostics;
using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>
/// How long a full restore into an empty server takes: until the command ends, and until the server gives the right count
/// of points. The official tool ends before the server has taken in what it sent, so that only the second is a comparison.
/// </summary>
internal sealed class RestoreBench(BenchOptions options)
{
    private const string Peer = "influxd restore";
    private static readonly TimeSpan VisibleTimeout = TimeSpan.FromMinutes(15);

    private readonly ResultTable _table = new(Peer);
    private TimeSpan _countTime;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var peersSet = new WorkDirectory(options.WorkDirectory);
        using var ourSet = new WorkDirectory(options.WorkDirectory);
        bool haveOurs = await MakeSetsAsync(peersSet.Path, ourSet.Path, cancel);
        for (int round = 1; round <= options.Rounds; round++)
        {
            Console.Error.WriteLine($"round {round} of {options.Rounds}");
            await MeasureAsync(Peer, server => OfficialTool.RestoreAsync(server.DataNode, peersSet.Path, timeout: TimeSpan.FromMinutes(30), cancel: cancel), cancel);
            if (haveOurs)
            {
                await MeasureAsync("influxbackup", server => OurTool.RestoreAsync(server, ourSet.Path, cancel), cancel);
            }
            await MeasureAsync("influxbackup, peer's set", server => OurTool.RestoreAsync(server, peersSet.Path, cancel), cancel);
        }
        _table.Print();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"visible: until SELECT count() gave all points; the query alone takes {_countTime.TotalSeconds:F2} s"));
        return _table.HasFailures || !haveOurs ? 1 : 0;
    }

    private async Task<bool> MakeSetsAsync(string peersSet, string ourSet, CancellationToken cancel)
    {
        await using var loaded = await LoadedServer.StartAsync(options, cancel);
        string node = loaded.Server.DataNode;
        (await OfficialTool.BackupAsync(node, peersSet, timeout: TimeSpan.FromMinutes(30), cancel: cancel)).EnsureSuccess();
        var ours = BackupMeasure.Of(await OurTool.BackupAsync(node, ourSet, cancel), ourSet, options.Shards);
        if (ours.Failure is not null)
        {
            Console.Error.WriteLine("our own backup failed: " + ours.Failure);
        }
        return ours.Failure is null;
    }

    private async Task MeasureAsync(string name, Func<InfluxServer, Task<ProcessRun>> restore, CancellationToken cancel)
    {
        using var work = new WorkDirectory(options.WorkDirectory);
        Directory.CreateDirectory(work.Path);
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Directory = work.Path }, cancel);
        var clock = Stopwatch.StartNew();
        var run = await restore(server);
        if (run.ExitCode != 0)
        {
            _table.Add(name, new Measure(run) { Failure = $"exit code {run.ExitCode}: {run.Text}" });
            return;
        }
        bool complete = await WaitForAllPointsAsync(server.Http, cancel);
        var visible = clock.Elapsed;
        string? failure = complete ? await MissingValuesAsync(server.Http, cancel) : "points are missing";
        _table.Add(name, new Measure(run) { Visible = visible, Failure = failure });
    }

    private async Task<bool> WaitForAllPointsAsync(InfluxHttp http, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        long before = -1;
        while (clock.Elapsed < VisibleTimeout)
        {
            var query = Stopwatch.StartNew();
            long count = await CountAsync(http, "\"f0\"", cancel) is [var all] ? all : 0;
            if (count == options.Points)
            {
                return true;
            }
            // The official tool may still be served; but a count that stands still stays wrong.
            if (count == before && clock.Elapsed > TimeSpan.FromSeconds(30))
            {
                return false;
            }
            before = count;
            await Task.Delay(query.Elapsed > TimeSpan.FromSeconds(1) ? 0 : 100, cancel);
        }
        return false;
    }

    /// <summary>All fields, outside of the measured time, and the time of the smaller query on a server at rest.</summary>
    private async Task<string?> MissingValuesAsync(InfluxHttp http, CancellationToken cancel)
    {
        var counts = await CountAsync(http, "*", cancel);
        var clock = Stopwatch.StartNew();
        await CountAsync(http, "\"f0\"", cancel);
        _countTime = clock.Elapsed;
        return counts.Count == LineFormatter.FieldCount && counts.All(count => count == options.Points)
            ? null
            : "values are missing: " + string.Join(", ", counts);
    }

    private static async Task<IReadOnlyList<long>> CountAsync(InfluxHttp http, string what, CancellationToken cancel)
    {
        try
        {
            var answer = await http.QueryAsync($"SELECT count({what}) FROM {LineFormatter.Measurement}", LineFormatter.Database, cancel);
            return [.. answer.SelectMany(series => series.Rows.Single().Skip(1)).Select(cell => long.Parse(cell!, CultureInfo.InvariantCulture))];
        }
        catch (InfluxHttpException)
        {
            // "database not found", "shard is disabled": not there yet.
            return [];
        }
    }
}
