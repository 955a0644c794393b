using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>Whether our peak of memory stays where it is when the data is ten times as large, at the same number of shards.</summary>
internal sealed class MemoryBench(BenchOptions options)
{
    private readonly ResultTable _table = new();

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        await MeasureAsync("1 x", options, cancel);
        await MeasureAsync("10 x", options with { Points = options.Points * 10 }, cancel);
        _table.Print();
        return _table.HasFailures ? 1 : 0;
    }

    private async Task MeasureAsync(string size, BenchOptions sized, CancellationToken cancel)
    {
        // Two data sets, so two directories in the one to be kept.
        var kept = sized with { Keep = options.Keep is null ? null : Path.Combine(options.Keep, size.Replace(" ", "", StringComparison.Ordinal)) };
        using var set = new WorkDirectory(options.WorkDirectory);
        await using (var loaded = await LoadedServer.StartAsync(kept, cancel))
        {
            for (int round = 1; round <= options.Rounds; round++)
            {
                if (Directory.Exists(set.Path))
                {
                    Directory.Delete(set.Path, recursive: true);
                }
                var run = await OurTool.BackupAsync(loaded.Server.DataNode, set.Path, cancel);
                _table.Add("backup, " + size, BackupMeasure.Of(run, set.Path, options.Shards));
            }
        }
        for (int round = 1; round <= options.Rounds; round++)
        {
            using var target = new WorkDirectory(options.WorkDirectory);
            Directory.CreateDirectory(target.Path);
            await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Directory = target.Path }, cancel);
            var run = await OurTool.RestoreAsync(server, set.Path, cancel);
            _table.Add("restore, " + size, new Measure(run) { Failure = run.ExitCode == 0 ? null : $"exit code {run.ExitCode}: {run.Text}" });
        }
    }
}
