using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>
/// A server that holds the data set, compacted as a server that has been running for long: one TSM file a shard, nothing in
/// the caches, nothing going on.
/// </summary>
internal sealed class LoadedServer : IAsyncDisposable
{
    private const int LinesPerBatch = 10_000;
    private static readonly TimeSpan SettleTimeout = TimeSpan.FromMinutes(30);

    // While loading: few flushes, and compaction to one file as soon as a shard is left alone.
    private static readonly string[] LoadSettings =
    [
        "cache-max-memory-size = 0",
        "cache-snapshot-memory-size = 104857600",
        "cache-snapshot-write-cold-duration = \"3s\"",
        "compact-full-write-cold-duration = \"4s\"",
    ];

    private readonly bool _temporary;
    private readonly string _directory;

    private LoadedServer(InfluxServer server, string directory, bool temporary)
    {
        Server = server;
        _directory = directory;
        _temporary = temporary;
    }

    public InfluxServer Server { get; }

    public long TsmBytes => Server.ShardFiles(".tsm").Sum(file => new FileInfo(file).Length);

    /// <summary>Starts the server that <c>--keep</c> names, and loads it first where it was not.</summary>
    public static async Task<LoadedServer> StartAsync(BenchOptions options, CancellationToken cancel)
    {
        string directory = options.Keep ?? Directory.CreateTempSubdirectory("influxbackup-bench-").FullName;
        Directory.CreateDirectory(directory);
        string marker = Path.Combine(directory, "loaded.json");
        var content = new DataSet(options.Points, options.Shards, LineFormatter.SeriesPerShard, LineFormatter.FieldCount);
        if (!File.Exists(marker))
        {
            await LoadAsync(directory, content, cancel);
            await File.WriteAllTextAsync(marker, JsonSerializer.Serialize(content), cancel);
        }
        else if (JsonSerializer.Deserialize<DataSet>(await File.ReadAllTextAsync(marker, cancel)) is var found && found != content)
        {
            throw new BenchException($"{directory} holds another data set ({found}); choose its --points and --shards or another directory.");
        }
        var server = await InfluxServer.StartAsync(
            new InfluxServerOptions { Directory = directory, StartTimeout = TimeSpan.FromMinutes(10) }, cancel);
        var loaded = new LoadedServer(server, directory, temporary: options.Keep is null);
        string version = await VersionAsync(server, cancel);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"influxd {version}: {options.Points:N0} points of {content.Fields} floats, {options.Shards} shards, {loaded.TsmBytes / 1e9:F2} GB of TSM files"));
        return loaded;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.StopAsync();
        await Server.DisposeAsync();
        if (_temporary)
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private static async Task LoadAsync(string directory, DataSet content, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        await using var server = await InfluxServer.StartAsync(
            new InfluxServerOptions { Directory = directory, DataSettings = LoadSettings }, cancel);
        await server.Http.ExecuteAsync(
            $"CREATE DATABASE {LineFormatter.Database} WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME autogen", cancel: cancel);
        int done = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(2, Environment.ProcessorCount), CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(0, content.Shards), parallel, async (shard, cancelShard) =>
        {
            var lines = new LineFormatter(shard, content.PointsOf(shard), LinesPerBatch);
            for (var batch = lines.NextBatch(); batch.Length > 0; batch = lines.NextBatch())
            {
                await server.Http.WriteAsync(batch, LineFormatter.Database, precision: "ms", cancel: cancelShard);
            }
            int finished = Interlocked.Increment(ref done);
            Console.Error.WriteLine($"loaded {finished} of {content.Shards} shards after {clock.Elapsed.TotalSeconds:F0} s");
        });
        await SettleAsync(server, content.Shards, cancel);
        Console.Error.WriteLine($"loaded and compacted after {clock.Elapsed.TotalSeconds:F0} s");
        await server.StopAsync();
    }

    private static async Task SettleAsync(InfluxServer server, int shards, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        await server.Snapshots.FlushAsync(cancel);
        while (server.ShardFiles(".tsm").Count > shards || server.ShardFiles(".tmp").Count > 0)
        {
            if (clock.Elapsed > SettleTimeout)
            {
                throw new BenchException($"The server did not compact its shards within {SettleTimeout}.");
            }
            await Task.Delay(500, cancel);
        }
    }

    private static async Task<string> VersionAsync(InfluxServer server, CancellationToken cancel) =>
        (await server.Http.QueryColumnAsync("SHOW DIAGNOSTICS FOR 'build'", column: "Version", cancel: cancel)).FirstOrDefault("?");

    /// <summary>What a kept directory holds.</summary>
    private sealed record DataSet(long Points, int Shards, int Series, int Fields)
    {
        public long PointsOf(int shard) => (Points / Shards) + (shard < Points % Shards ? 1 : 0);
    }
}
