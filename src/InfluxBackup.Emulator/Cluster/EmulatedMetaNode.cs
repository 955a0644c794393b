using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>A request as a meta node received it.</summary>
/// <param name="Method">GET or POST.</param>
/// <param name="Target">Path and query.</param>
/// <param name="Authorization">The header of this name; empty without one.</param>
/// <param name="Command">For <c>/execute</c>: the number of the command.</param>
public sealed record ReceivedHttpRequest(string Method, string Target, string Authorization, int? Command)
{
    /// <summary>What came with it.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
}

/// <summary>A meta node of an <see cref="EmulatedCluster"/>: its HTTP API.</summary>
public sealed class EmulatedMetaNode : IAsyncDisposable
{
    private const int MaxConnections = 256;
    private readonly ClusterState cluster;
    private readonly HttpAuthentication authentication;
    private readonly X509Certificate2? certificate;
    private readonly EmulatorLog log = new(null);
    private readonly ConcurrentQueue<ReceivedHttpRequest> received = [];
    private ConnectionListener listener;
    private Data? frozen;

    internal EmulatedMetaNode(ClusterState cluster, HttpAuthentication authentication, X509Certificate2? certificate)
    {
        this.cluster = cluster;
        this.authentication = authentication;
        this.certificate = certificate;
        listener = Listen(0);
        Port = listener.Port;
    }

    public int Port { get; }

    /// <summary>The HTTP address, <c>127.0.0.1:port</c>.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>The address for other meta nodes; nobody listens there.</summary>
    public string RaftAddress => $"127.0.0.1:{(Port > 40_000 ? Port - 20_000 : Port + 20_000)}";

    public bool IsRunning => DiedAt is null;

    public bool IsLeader => ReferenceEquals(cluster.Leader, this);

    /// <summary>Whether this follower has stopped hearing of changes. What it missed it hears when this becomes false.</summary>
    public bool IsLagging
    {
        get => frozen is not null;
        set => frozen = value ? frozen ?? cluster.Metadata.Read() : null;
    }

    /// <summary>What goes wrong; may be changed at any time. Rules are added with <see cref="FaultPlan.AddHttp"/>.</summary>
    public FaultPlan Faults { get; } = new();

    /// <summary>The requests so far, in order of arrival; those that a fault or missing credentials refused, too.</summary>
    public IReadOnlyList<ReceivedHttpRequest> Requests => [.. received];

    /// <summary>What went wrong with connections.</summary>
    public IReadOnlyList<string> Log => log.Lines;

    internal DateTime? DiedAt { get; private set; }

    internal string Scheme => certificate is null ? "http" : "https";

    internal Task NextChange => cluster.Metadata.NextChange;

    internal ClusterState Cluster => cluster;

    internal HttpAuthentication Authentication => authentication;

    /// <summary>Ends the node as SIGKILL does: all connections are closed at once.</summary>
    public async Task KillAsync()
    {
        if (IsRunning)
        {
            DiedAt = DateTime.UtcNow;
            await listener.KillAsync().ConfigureAwait(false);
            listener.Dispose();
            _ = cluster.Leader; // The others notice.
        }
    }

    /// <summary>Kills the node if it runs and starts it again, on the same port.</summary>
    public async Task RestartAsync()
    {
        await KillAsync().ConfigureAwait(false);
        if (cluster.Poison is null)
        {
            IsLagging = false;
            listener = Listen(Port);
            DiedAt = null;
            _ = cluster.Leader;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await KillAsync().ConfigureAwait(false);

    /// <summary>The metadata as this node knows them.</summary>
    internal Data Read() => frozen?.Clone() ?? cluster.Metadata.Read();

    internal void AddReceived(ReceivedHttpRequest request) => received.Enqueue(request);

    private ConnectionListener Listen(int port) => new(port, MaxConnections, new MetaApi(this), certificate, log);
}
