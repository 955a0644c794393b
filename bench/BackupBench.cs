using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>How long a full backup takes: the official tool, us, and the floor, one after another in each round.</summary>
internal sealed class BackupBench(BenchOptions options)
{
    private const string Peer = "influxd backup";
    private const string Floor = "bare reader, 2";

    private readonly ResultTable _table = new(Peer, Floor);

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        await using var loaded = await LoadedServer.StartAsync(options, cancel);
        string node = loaded.Server.DataNode;
        // Nobody is to pay for the first look at the files.
        await ReadBareAsync(node, 1, cancel);
        for (int round = 1; round <= options.Rounds; round++)
        {
            Console.Error.WriteLine($"round {round} of {options.Rounds}");
            await MeasureBackupAsync(Peer, path => OfficialTool.BackupAsync(node, path, timeout: TimeSpan.FromMinutes(30), cancel: cancel));
            await MeasureBackupAsync("influxbackup", path => OurTool.BackupAsync(node, path, cancel));
            await MeasureBackupAsync("influxbackup, not compressed", path => OurTool.BackupAsync(node, path, cancel, "--compression-level", "NoCompression"));
            _table.Add("bare reader, 1", await ReadBareAsync(node, 1, cancel));
            _table.Add(Floor, await ReadBareAsync(node, 2, cancel));
        }
        _table.Print();
        return _table.HasFailures ? 1 : 0;
    }

    private async Task MeasureBackupAsync(string name, Func<string, Task<ProcessRun>> backup)
    {
        using var set = new WorkDirectory(options.WorkDirectory);
        _table.Add(name, BackupMeasure.Of(await backup(set.Path), set.Path, options.Shards));
    }

    private static async Task<Measure> ReadBareAsync(string node, int connections, CancellationToken cancel)
    {
        string[] arguments = ["bare-reader", "--data-node", node, "--connections", connections.ToString(CultureInfo.InvariantCulture)];
        // This program again, however it was started.
        string host = Environment.ProcessPath!;
        bool isDotnet = Path.GetFileNameWithoutExtension(host) == "dotnet";
        var run = await MeasuredProcess.RunAsync(
            host, isDotnet ? [typeof(BackupBench).Assembly.Location, .. arguments] : arguments, TimeSpan.FromMinutes(30), cancel);
        return new Measure(run) { Failure = run.ExitCode == 0 ? null : run.Text };
    }
}
