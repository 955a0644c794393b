using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>
/// The TCP port of a cluster's data node. The first byte says who is meant: 3 the backup service, 2 the service for other nodes,
/// anything else the small HTTP server, of whose request it is a part.
/// </summary>
internal sealed class ClusterPort(
    EmulatedDataNode node, TimeSpan muxTimeout, RequestDispatcher snapshotter, CoordinatorHandler coordinator, ClusterMembership cluster, EmulatorLog log) : IConnectionHandler
{
    private const byte CoordinatorHeader = 2;

    public async Task HandleAsync(FaultyStream connection, CancellationToken cancel)
    {
        switch (await MuxHeader.ReadAsync(connection, muxTimeout, log, cancel).ConfigureAwait(false))
        {
            case null:
                break;
            case SnapshotterProtocol.MuxHeader:
                await snapshotter.ServeAsync(connection, cancel).ConfigureAwait(false);
                break;
            case CoordinatorHeader:
                await coordinator.ServeAsync(connection, cancel).ConfigureAwait(false);
                break;
            case { } first:
                await new HttpConnection(connection, new[] { first }).ServeAsync(AnswerAsync, cancel).ConfigureAwait(false);
                break;
        }
    }

    private Task<HttpResponse?> AnswerAsync(HttpRequest request, CancellationToken cancel)
    {
        var status = new
        {
            nodeType = "data",
            hostname = "127.0.0.1",
            tcpBind = $":{node.Port}",
            tcpAddr = node.Address,
            httpAddr = node.HttpAddress,
            nodeStatus = "joined",
            metaAddrs = cluster.Cluster.MetaNodes.Select(n => n.Address),
        };
        return Task.FromResult<HttpResponse?>(request.Path == "/status" ? HttpResponse.Of(GoJson.Line(status), HttpResponse.Json) : HttpResponse.Of([]));
    }
}
