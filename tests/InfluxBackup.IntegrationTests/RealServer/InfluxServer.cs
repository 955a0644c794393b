using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>
/// A real <c>influxd</c> on free loopback ports, with directories of its own. It listens nowhere else, it ends with this
/// process at the latest, and every wait is bounded.
/// </summary>
public sealed class InfluxServer : IAsyncDisposable
{
    private const int SignalTerminate = 15;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private readonly InfluxServerOptions _options;
    private readonly ServerLog _log = new();
    private Process? _process;
    private int _httpPort;
    private int _snapshotPort;

    private InfluxServer(InfluxServerOptions options)
    {
        _options = options;
        Directory = options.Directory ?? System.IO.Directory.CreateTempSubdirectory("influxd-").FullName;
        ChoosePorts();
        Http = CreateHttp();
        AppDomain.CurrentDomain.ProcessExit += KillWithThisProcess;
    }

    /// <summary>Whether <c>influxd</c> is on the PATH.</summary>
    public static bool IsInstalled { get; } = Executable.Find("influxd") is not null;

    /// <summary>The HTTP API, logged in as administrator where the server demands a login.</summary>
    public InfluxHttp Http { get; private set; }

    public Uri HttpAddress => new($"http://127.0.0.1:{_httpPort}");

    /// <summary><c>host:port</c> of the snapshot service, what backup and restore connect to.</summary>
    public string DataNode => $"127.0.0.1:{_snapshotPort}";

    /// <summary>The snapshot service by its bare protocol.</summary>
    public SnapshotPort Snapshots => new(IPAddress.Loopback, _snapshotPort);

    /// <summary>Parent of the directories data, wal and meta.</summary>
    public string Directory { get; }

    public string DataDirectory => Path.Combine(Directory, "data");

    public string WalDirectory => Path.Combine(Directory, "wal");

    public string MetaDirectory => Path.Combine(Directory, "meta");

    /// <summary>The last lines of the server's log, for the message of a failed test.</summary>
    public string Log => _log.ToString();

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The process id, or 0 while stopped.</summary>
    public int ProcessId => IsRunning ? _process!.Id : 0;

    public static async Task<InfluxServer> StartAsync(InfluxServerOptions? options = null, CancellationToken cancel = default)
    {
        var server = new InfluxServer(options ?? new InfluxServerOptions());
        try
        {
            await server.StartFirstAsync(cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the stopped server again, with its ports and directories.</summary>
    public async Task StartAgainAsync(CancellationToken cancel = default)
    {
        if (IsRunning)
        {
            throw new InvalidOperationException("influxd is running already.");
        }
        await LaunchAsync(cancel);
    }

    /// <summary>Stops as an administrator would, with SIGTERM: caches stay in the WAL, files are closed.</summary>
    public async Task StopAsync()
    {
        if (!IsRunning)
        {
            return;
        }
        _ = SendSignal(_process!.Id, SignalTerminate);
        using var timeout = new CancellationTokenSource(StopTimeout);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            throw new TimeoutException($"influxd did not stop within {StopTimeout}; it was killed.\n{Log}");
        }
    }

    /// <summary>Stops as a power cut would, with SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (!IsRunning)
        {
            return;
        }
        _process!.Kill();
        await _process.WaitForExitAsync().WaitAsync(StopTimeout);
    }

    /// <summary>Stops and starts, with the same ports and directories.</summary>
    public async Task RestartAsync(CancellationToken cancel = default)
    {
        await StopAsync();
        await LaunchAsync(cancel);
    }

    /// <summary>The files of all shards whose name ends so, for instance <c>.tombstone</c>.</summary>
    public IReadOnlyList<string> ShardFiles(string ending) =>
        System.IO.Directory.Exists(DataDirectory)
            ? [.. System.IO.Directory.EnumerateFiles(DataDirectory, "*" + ending, SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
            : [];

    /// <summary>
    /// Keeps shards that have TSM files now from being compacted until the next start. Without this a running server turns
    /// TSM files and their tombstones into one new file within a second of a DELETE. A compaction writes
    /// <c>(newest generation)-(its sequence + 1).tsm.tmp</c> first, and gives up where that file exists; so that name is
    /// taken, for each file and for the generations that later flushes will make.
    /// </summary>
    public void HoldCompactions()
    {
        const int generationsToCome = 40;
        foreach (var shard in ShardFiles(".tsm").GroupBy(file => Path.GetDirectoryName(file)!))
        {
            var files = shard.Select(TsmName.Parse).ToList();
            int newest = files.Max(file => file.Generation);
            var flushes = Enumerable.Range(newest + 1, generationsToCome).Select(generation => new TsmName(generation, 1));
            foreach (var file in files.Concat(flushes))
            {
                File.WriteAllBytes(Path.Combine(shard.Key, $"{file.Generation:D9}-{file.Sequence + 1:D9}.tsm.tmp"), []);
            }
        }
    }

    /// <summary>
    /// Waits until each shard is one TSM file. The server does that on its own when it was started with a short
    /// <c>compact-full-write-cold-duration</c>.
    /// </summary>
    public async Task WaitForFullCompactionAsync(CancellationToken cancel = default)
    {
        var clock = Stopwatch.StartNew();
        while (ShardFiles(".tsm").GroupBy(Path.GetDirectoryName).Any(shard => shard.Count() > 1))
        {
            if (clock.Elapsed > StopTimeout)
            {
                throw new TimeoutException($"influxd did not compact everything: {string.Join(", ", ShardFiles(".tsm"))}\n{Log}");
            }
            await Task.Delay(100, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillWithThisProcess;
        await KillAsync();
        _process?.Dispose();
        Http.Dispose();
        if (_options.Directory is null)
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }

    private async Task StartFirstAsync(CancellationToken cancel)
    {
        // Between choosing a free port and listening on it another process may take it: choose again, a few times.
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await LaunchAsync(cancel);
                break;
            }
            catch (ServerStartException) when (attempt < 5 && Log.Contains("address already in use", StringComparison.Ordinal))
            {
                ChoosePorts();
                Http.Dispose();
                Http = CreateHttp();
            }
        }
        if (_options.Authentication)
        {
            // Repeating it for a directory that is used again is harmless: same name, same password.
            await Http.ExecuteAsync(
                $"CREATE USER {InfluxHttp.Quote(_options.AdminName)} WITH PASSWORD {InfluxHttp.Literal(_options.AdminPassword)} WITH ALL PRIVILEGES",
                cancel: cancel);
        }
    }

    private async Task LaunchAsync(CancellationToken cancel)
    {
        string influxd = Executable.Find("influxd")
            ?? throw new InvalidOperationException("influxd is not on the PATH; the tests with a real server need it.");
        string configuration = Path.Combine(Directory, "influxdb.conf");
        await File.WriteAllTextAsync(configuration, ServerConfiguration.Text(_options, Directory, DataNode, HttpAddress), cancel);
        _log.Clear();
        _process?.Dispose();
        _process = Process.Start(Executable.CreateStartInfo(influxd, ["run", "-config", configuration]))!;
        _log.Capture(_process);
        await WaitUntilAnsweringAsync(cancel);
    }

    private async Task WaitUntilAnsweringAsync(CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        while (!await Http.IsAnsweringAsync(cancel))
        {
            if (_process!.HasExited)
            {
                // Waits for the end of its outputs too: the log is to be whole, for the message and for the next attempt.
                await _process.WaitForExitAsync(cancel);
                throw new ServerStartException($"influxd ended with exit code {_process.ExitCode} at its start.\n{Log}");
            }
            if (clock.Elapsed > _options.StartTimeout)
            {
                await KillAsync();
                throw new ServerStartException($"influxd did not answer within {_options.StartTimeout}.\n{Log}");
            }
            await Task.Delay(25, cancel);
        }
    }

    private InfluxHttp CreateHttp() => _options.Authentication
        ? new InfluxHttp(HttpAddress, _options.AdminName, _options.AdminPassword)
        : new InfluxHttp(HttpAddress);

    /// <summary>
    /// Two free ports below those that the kernel gives to outgoing connections: otherwise one of these could take a port
    /// between two starts, or a connection to a port without a listener could meet itself.
    /// </summary>
    private void ChoosePorts()
    {
        using var first = ListenAnywhere();
        using var second = ListenAnywhere();
        _httpPort = ((IPEndPoint)first.LocalEndpoint).Port;
        _snapshotPort = ((IPEndPoint)second.LocalEndpoint).Port;
    }

    private static TcpListener ListenAnywhere()
    {
        const int lowest = 15_000;
        const int end = 32_768;
        for (int attempt = 1; ; attempt++)
        {
            var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(lowest, end)) { ExclusiveAddressUse = true };
            try
            {
                listener.Start();
                return listener;
            }
            catch (SocketException) when (attempt < 100)
            {
                listener.Dispose();
            }
        }
    }

    private void KillWithThisProcess(object? sender, EventArgs e)
    {
        if (IsRunning)
        {
            _process!.Kill();
        }
    }

    private readonly record struct TsmName(int Generation, int Sequence)
    {
        public static TsmName Parse(string path)
        {
            string[] parts = Path.GetFileNameWithoutExtension(path).Split('-');
            return new TsmName(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
        }
    }

    // .NET offers no way to send SIGTERM.
    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}

/// <summary>The server ended, or did not answer in time, at its start.</summary>
public sealed class ServerStartException(string message) : Exception(message);
