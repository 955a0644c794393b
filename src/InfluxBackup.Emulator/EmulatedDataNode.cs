using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>
/// An InfluxDB data node's backup service inside this process: the protocol of servers 1.5 and later as 1.6.7 speaks it, on a
/// directory of real shard files, with faults on demand.
/// </summary>
public sealed class EmulatedDataNode : IAsyncDisposable
{
    private readonly EmulatedDataNodeOptions options;
    private readonly EmulatorLog log;
    private readonly ConcurrentQueue<ReceivedRequest> received = [];
    private readonly ConcurrentQueue<ReceivedWrite> receivedWrites = [];
    private readonly ConcurrentQueue<ReceivedHttpRequest> receivedHttp = [];
    private NodeStorage storage;
    private readonly ClusterMembership? cluster;
    private ConnectionListener listener;
    private ConnectionListener? http;

    private EmulatedDataNode(EmulatedDataNodeOptions options, ClusterMembership? cluster)
    {
        this.options = options;
        this.cluster = cluster;
        log = new EmulatorLog(options.Logger);
        Certificate = options.UseTls ? options.Certificate ?? SelfSignedCertificate.Create() : null;
        storage = new NodeStorage(options.Directory, cluster);
        listener = Listen(options.Port);
        Port = listener.Port;
        http = ListenForHttp(0);
        HttpPort = http?.Port;
    }

    public int Port { get; }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>The node's id in its cluster; 0 for a single server.</summary>
    public ulong NodeId => cluster?.NodeId ?? 0;

    /// <summary>The port of the HTTP API; null for a single server, which has none here.</summary>
    public int? HttpPort { get; }

    /// <summary>The address of the HTTP API, <c>127.0.0.1:port</c>; empty for a single server.</summary>
    public string HttpAddress => HttpPort is { } port ? $"127.0.0.1:{port}" : "";

    public bool IsRunning => DiedAt is null;

    /// <summary>The directory of the databases.</summary>
    public string DataDirectory => storage.DataDirectory;

    /// <summary>Databases, policies, shards and users; may be changed at any time.</summary>
    public EmulatedMetadata Metadata => storage.Metadata;

    /// <summary>What goes wrong; may be changed at any time.</summary>
    public FaultPlan Faults { get; } = new();

    /// <summary>With TLS: the certificate that clients see.</summary>
    public X509Certificate2? Certificate { get; }

    /// <summary>What a server would have logged so far.</summary>
    public IReadOnlyList<string> Log => log.Lines;

    /// <summary>The requests so far, in order of arrival.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => [.. received];

    /// <summary>Of a node in a cluster: the requests to the service for other nodes.</summary>
    public IReadOnlyList<ReceivedWrite> CoordinatorRequests => [.. receivedWrites];

    /// <summary>Of a node in a cluster: the requests to the HTTP API.</summary>
    public IReadOnlyList<ReceivedHttpRequest> HttpRequests => [.. receivedHttp];

    internal DateTime? DiedAt { get; private set; }

    internal ShardStore Shards => storage.Shards;

    internal string HttpScheme => cluster is { UseHttps: true } ? "https" : "http";

    public int ActiveConnections => listener.ActiveConnections;

    /// <summary>The most connections served at the same time since the last start.</summary>
    public int PeakConnections => listener.PeakConnections;

    /// <summary>Starts a node.</summary>
    public static Task<EmulatedDataNode> StartAsync(EmulatedDataNodeOptions options) =>
        Task.FromResult(new EmulatedDataNode(options, null));

    internal static EmulatedDataNode Start(EmulatedDataNodeOptions options, ClusterMembership cluster) => new(options, cluster);

    /// <summary>The path of a shard's directory.</summary>
    public string ShardDirectory(ShardKey shard) => storage.Shards.DirectoryOf(shard);

    /// <summary>The open shard of this id; null where there is none.</summary>
    public ShardKey? FindShard(ulong id) => storage.Shards.Find(id);

    /// <summary>The points of a shard on this node that a query would find; none where the shard is missing.</summary>
    public IReadOnlyDictionary<(string Series, string Field, long Time), object> ReadPoints(ShardKey shard) => ShardPoints.Read(ShardDirectory(shard));

    /// <summary>Adds points to a shard on this node alone, as one more TSM file.</summary>
    public void AddPoints(ShardKey shard, IEnumerable<EmulatedPoint> points) => ShardPoints.Add(ShardDirectory(shard), points);

    /// <summary>Deletes points of a shard on this node alone, as a tombstone beside each TSM file.</summary>
    public void DeletePoints(ShardKey shard, string series, IEnumerable<string> fields, TimeRange times) =>
        ShardPoints.Delete(ShardDirectory(shard), series, fields, times);

    /// <summary>Removes a shard from metadata and disk, in a cluster from all nodes, as DROP SHARD does.</summary>
    public void DropShard(ulong id)
    {
        if (storage.Shards.Find(id) is { } shard)
        {
            storage.Drop(shard);
        }
    }

    /// <summary>Waits until no connection is open: an upload whose client did not wait for the end is done then.</summary>
    /// <exception cref="TimeoutException">Some connection stays open.</exception>
    public async Task WaitUntilIdleAsync(TimeSpan timeout)
    {
        for (var waited = Stopwatch.StartNew(); ActiveConnections > 0; await Task.Delay(10).ConfigureAwait(false))
        {
            if (waited.Elapsed > timeout)
            {
                throw new TimeoutException($"{ActiveConnections} connections are still open after {timeout.TotalSeconds:0.#} s.");
            }
        }
    }

    /// <summary>Ends the node as SIGTERM does: requests that are being answered are finished, within a limit.</summary>
    public Task StopAsync() => EndAsync(l => l.StopAsync(options.StopTimeout));

    /// <summary>Ends the node as SIGKILL does: all connections are closed at once.</summary>
    public Task KillAsync() => EndAsync(l => l.KillAsync());

    /// <summary>Stops the node if it runs and starts it again, on the same port, with what is in its directory.</summary>
    public async Task RestartAsync()
    {
        await StopAsync().ConfigureAwait(false);
        storage = new NodeStorage(options.Directory, cluster);
        listener = Listen(Port);
        http = ListenForHttp(HttpPort ?? 0);
        DiedAt = null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync().ConfigureAwait(false);
        if (options.Certificate is null)
        {
            Certificate?.Dispose();
        }
    }

    private async Task EndAsync(Func<ConnectionListener, Task> end)
    {
        if (IsRunning)
        {
            DiedAt = DateTime.UtcNow;
            await Task.WhenAll(end(listener), http is null ? Task.CompletedTask : end(http)).ConfigureAwait(false);
            listener.Dispose();
            http?.Dispose();
        }
    }

    private ConnectionListener Listen(int port)
    {
        IConnectionHandler handler = options.Kind switch
        {
            EmulatedNodeKind.Server14 => new OldServer(options, storage, Faults, log, received),
            EmulatedNodeKind.HttpPort => new HttpPort(),
            _ => new RequestDispatcher(options, storage, Faults, log, received),
        };
        if (cluster is not null)
        {
            handler = new ClusterPort(this, options.MuxTimeout, (RequestDispatcher)handler, new CoordinatorHandler(storage.Shards, Faults, receivedWrites), cluster, log);
        }

        return new ConnectionListener(port, options.MaxConnections, handler, Certificate, log, options.BytesPerSecond);
    }

    private ConnectionListener? ListenForHttp(int port) => cluster is null
        ? null
        : new ConnectionListener(
            port, options.MaxConnections, new DataHttpApi(storage.Shards, Faults, cluster, receivedHttp), cluster.UseHttps ? options.Certificate : null, log);
}
