using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>
/// Writes a file as <c>influx_inspect export</c> does, one field a line, and imports it: into a sink that answers at once, so that only
/// the importers are compared; into one that answers after 10 ms, as a server does that is elsewhere; into a real server on this machine.
/// </summary>
internal sealed class ImportBench(BenchOptions options)
{
    private const string Peer = "influx -import";
    private const string Database = "bench";
    private const int Hosts = 500;
    private const int Fields = 4;
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(30);

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var work = new WorkDirectory(options.WorkDirectory);
        Directory.CreateDirectory(work.Path);
        string file = Path.Combine(work.Path, "export.lp");
        string packed = file + ".gz";
        WriteExport(file, options.Points);
        await using (var source = File.OpenRead(file))
        await using (var target = new GZipStream(File.Create(packed), CompressionLevel.Fastest))
        {
            await source.CopyToAsync(target, cancel);
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{options.Points:N0} lines, {new FileInfo(file).Length / 1e6:F0} MB, {new FileInfo(packed).Length / 1e6:F0} MB compressed"));
        var sink = new ResultTable(Peer);
        var far = new ResultTable(Peer);
        var real = new ResultTable(Peer);
        for (int round = 1; round <= options.Rounds; round++)
        {
            Console.Error.WriteLine($"round {round} of {options.Rounds}");
            foreach (var (table, milliseconds) in new[] { (sink, 0), (far, 10) })
            {
                await IntoSinkAsync(table, milliseconds, Peer, uri => ImportByPeerAsync(uri, file, cancel), cancel);
                await IntoSinkAsync(table, milliseconds, "influxbackup import", uri => OurTool.ImportAsync(uri, file, cancel), cancel);
                await IntoSinkAsync(table, milliseconds, "influxbackup import, .gz", uri => OurTool.ImportAsync(uri, packed, cancel), cancel);
                await IntoSinkAsync(table, milliseconds, "influxbackup import, --compress true", uri => OurTool.ImportAsync(uri, file, cancel, "--compress", "true"), cancel);
            }
            await IntoServerAsync(real, Peer, uri => ImportByPeerAsync(uri, file, cancel), cancel);
            await IntoServerAsync(real, "influxbackup import", uri => OurTool.ImportAsync(uri, file, cancel), cancel);
            await IntoServerAsync(real, "influxbackup import, .gz", uri => OurTool.ImportAsync(uri, packed, cancel), cancel);
        }
        Console.WriteLine("into a sink");
        sink.Print();
        Console.WriteLine("into a sink that answers after 10 ms");
        far.Print();
        Console.WriteLine("into influxd");
        real.Print();
        return sink.HasFailures || far.HasFailures || real.HasFailures ? 1 : 0;
    }

    private static Task<ProcessRun> ImportByPeerAsync(Uri server, string file, CancellationToken cancel) => MeasuredProcess.RunAsync(
        "influx", ["-host", server.Host, "-port", server.Port.ToString(CultureInfo.InvariantCulture), "-import", "-path", file], Timeout, cancel);

    private async Task IntoSinkAsync(ResultTable table, int milliseconds, string name, Func<Uri, Task<ProcessRun>> import, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, milliseconds == 0 ? ["null-sink"] : ["null-sink", "--latency", milliseconds.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        try
        {
            int port = int.Parse((await process.StandardOutput.ReadLineAsync(cancel))!, CultureInfo.InvariantCulture);
            var run = await import(new Uri($"http://127.0.0.1:{port}"));
            process.StandardInput.Close();
            long lines = long.Parse((await process.StandardOutput.ReadLineAsync(cancel))!, CultureInfo.InvariantCulture);
            // The peer puts an empty line after each; compressed lines are not counted.
            bool isComplete = name.Contains("compress", StringComparison.Ordinal) || lines >= options.Points;
            table.Add(name, new Measure(run) { Failure = run.ExitCode != 0 ? $"exit code {run.ExitCode}: {run.Text}" : isComplete ? null : $"{lines} lines" });
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private async Task IntoServerAsync(ResultTable table, string name, Func<Uri, Task<ProcessRun>> import, CancellationToken cancel)
    {
        using var work = new WorkDirectory(options.WorkDirectory);
        Directory.CreateDirectory(work.Path);
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Directory = work.Path }, cancel);
        var run = await import(server.HttpAddress);
        string? failure = run.ExitCode == 0 ? null : $"exit code {run.ExitCode}: {run.Text}";
        if (failure is null)
        {
            var answer = await server.Http.QueryAsync("SELECT count(*) FROM cpu", Database, cancel);
            long count = answer.SelectMany(series => series.Rows.Single().Skip(1)).Sum(cell => long.Parse(cell!, CultureInfo.InvariantCulture));
            failure = count == options.Points ? null : $"{count} values";
        }
        table.Add(name, new Measure(run) { Failure = failure });
    }

    private static void WriteExport(string path, long lines)
    {
        var random = new Random(7);
        using var file = new StreamWriter(path, append: false, new System.Text.UTF8Encoding(false), 1 << 20) { NewLine = "\n" };
        file.WriteLine($"# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n# DDL\nCREATE DATABASE {Database} WITH NAME autogen\n# DML");
        file.WriteLine($"# CONTEXT-DATABASE:{Database}\n# CONTEXT-RETENTION-POLICY:autogen\n# writing tsm data");
        const long first = 1_500_000_000_000_000_000;
        long perSeries = (lines + (Hosts * Fields) - 1) / (Hosts * Fields);
        for (long line = 0; line < lines; line++)
        {
            long series = line / perSeries;
            file.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"cpu,host=server{series / Fields:D4},region=us-west usage_{series % Fields}={Math.Round(random.NextDouble() * 100, 6)} {first + (line % perSeries * 10_000_000_000)}\n"));
        }
    }
}
