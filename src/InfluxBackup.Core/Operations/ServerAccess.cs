using InfluxBackup.Http;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>How to reach one server: its backup service, and its HTTP API where that is given.</summary>
public sealed record ServerAccess : InfluxAccess
{
    /// <summary>The backup service, port 8088 by default.</summary>
    public required DataNodeAddress DataNode { get; init; }

    public SnapshotterOptions Connection { get; init; } = new();

    /// <summary>Needed for continuous queries, grants, the server's version and its own count of files.</summary>
    public InfluxHttpOptions? Http { get; init; }

    /// <inheritdoc/>
    public override string Name => $"data node {DataNode}";

    public SnapshotterClient CreateClient() => new(DataNode, Connection);

    /// <summary>A client for the HTTP API, or null where no address was given.</summary>
    public InfluxHttpClient? CreateHttpClient() => Http is null ? null : new InfluxHttpClient(Http);
}
