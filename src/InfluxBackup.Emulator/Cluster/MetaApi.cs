using System.Globalization;
using Google.Protobuf;

namespace InfluxBackup.Emulator;

/// <summary>
/// The HTTP API of a meta node, as influxdb-cluster 1.8.11-c1.2.0 answers (services/meta/handler.go): who leads, the metadata,
/// nodes and shards as JSON, leases, users, and commands.
/// </summary>
internal sealed class MetaApi(EmulatedMetaNode node) : IConnectionHandler
{
    public Task HandleAsync(FaultyStream connection, CancellationToken cancel) =>
        new HttpConnection(connection, default).ServeAsync((request, stop) => AnswerAsync(connection, request, stop), cancel);

    private static int? CommandOf(HttpRequest request)
    {
        try
        {
            return request.Path == "/execute" ? MetaCommands.TypeOf(request.Body) : null;
        }
        catch (ProtoException)
        {
            return null;
        }
    }

    private async Task<HttpResponse?> AnswerAsync(FaultyStream connection, HttpRequest request, CancellationToken cancel)
    {
        var command = CommandOf(request);
        node.AddReceived(new ReceivedHttpRequest(request.Method, request.Target, request.Header("Authorization"), command) { Body = request.Body });
        var faults = node.Faults.Take(new FaultedRequest(FaultedService.Http, Path: request.Path, Command: command));
        connection.Arm(faults);
        var route = Route(request);
        var response = route switch
        {
            null when request.Method is not ("GET" or "POST") => HttpResponse.TextError(400, ""),
            null => HttpResponse.TextError(404, "404 page not found"),
            _ when faults.Find<Fault.HttpError>() is { } error => HttpResponse.JsonError(error.Status, error.Error),
            _ => node.Authentication.Refuse(request) ?? await route(request, cancel).ConfigureAwait(false),
        };
        if (response is not null && route is not null)
        {
            AddHeaders(response, request);
        }

        return response;
    }

    /// <summary>Headers that every known path has; the index is that of the moment before the request was carried out, or at least not later.</summary>
    private void AddHeaders(HttpResponse response, HttpRequest request)
    {
        var id = request.Header("X-Request-Id") is { Length: > 0 } given ? given : request.Header("Request-Id");
        response.Headers["Request-Id"] = response.Headers["X-Request-Id"] = id.Length > 0 ? id : Guid.NewGuid().ToString();
        response.Headers["X-Influxdb-Version"] = EmulatedCluster.Version;
        response.Headers.TryAdd("Influxdb-Metaindex", node.Read().Index.ToString(CultureInfo.InvariantCulture));
    }

    private Func<HttpRequest, CancellationToken, Task<HttpResponse?>>? Route(HttpRequest request) => $"{request.Method} {request.Path}" switch
    {
        "GET /" => SnapshotAsync,
        "POST /execute" => ExecuteAsync,
        "GET /ping" => Now(Ping),
        "GET /lease" => Now(Lease),
        "GET /peers" => Now(_ => HttpResponse.Of(GoJson.Line(ClusterListing.Peers(node)), HttpResponse.Json)),
        "GET /status" => Now(_ => HttpResponse.Of(GoJson.Line(ClusterListing.Status(node)), HttpResponse.Json)),
        "GET /show-cluster" => Now(_ => HttpResponse.Of(GoJson.Line(ClusterListing.Nodes(node)), HttpResponse.Json)),
        "GET /show-shards" => Now(r => HttpResponse.Of(GoJson.Line(ClusterListing.Shards(node, r.Parameter("verbose") == "true")), HttpResponse.Json)),
        "GET /user" => Now(r => UserApi.List(node, r)),
        "POST /user" => Now(r => UserApi.Change(node, r, () => Redirect("/user", ""))),
        "GET /role" => Now(_ => HttpResponse.Of("{}\n", HttpResponse.Json)),
        _ => null,
    };

    private static Func<HttpRequest, CancellationToken, Task<HttpResponse?>> Now(Func<HttpRequest, HttpResponse> answer) =>
        (request, _) => Task.FromResult<HttpResponse?>(answer(request));

    /// <summary>The metadata; waits until they are newer than what the client has.</summary>
    private async Task<HttpResponse?> SnapshotAsync(HttpRequest request, CancellationToken cancel)
    {
        var isNumber = ulong.TryParse(request.Parameter("index"), NumberStyles.None, CultureInfo.InvariantCulture, out var known);
        var before = node.Read().Index;
        for (var change = node.NextChange; node.Read().Index <= known; change = node.NextChange)
        {
            // A lagging node hears of changes only when it has caught up, which is no change itself.
            await Task.WhenAny(change, Task.Delay(TimeSpan.FromMilliseconds(50), cancel)).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
        }

        var bytes = node.Read().ToByteArray();
        var response = isNumber ? HttpResponse.Of(bytes, HttpResponse.Binary) : HttpResponse.TextError(400, "error parsing index");
        response.Body = isNumber ? bytes : [.. response.Body, .. bytes]; // The server goes on after its error.
        response.Headers["Influxdb-Metaindex"] = before.ToString(CultureInfo.InvariantCulture);
        return response;
    }

    private async Task<HttpResponse?> ExecuteAsync(HttpRequest request, CancellationToken cancel)
    {
        try
        {
            MetaCommands.TypeOf(request.Body);
        }
        catch (ProtoException e)
        {
            return HttpResponse.JsonError(400, $"unable to unmarshal command: {e.Message}");
        }

        if (Redirect("/execute", "") is { } elsewhere)
        {
            return elsewhere;
        }

        var before = node.Read().Index;
        try
        {
            var error = node.Cluster.Execute(request.Body);
            var response = HttpResponse.Of(Answer(error, node.Read().Index), HttpResponse.Binary);
            response.Headers["Influxdb-Metaindex"] = before.ToString(CultureInfo.InvariantCulture);
            return response;
        }
        catch (ProtoException)
        {
            // The process is gone, and so are those of the others, as soon as they hear of the command.
            _ = Task.WhenAll(node.Cluster.MetaNodes.Select(n => Task.Run(n.KillAsync, CancellationToken.None)));
            await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(false);
            return null;
        }
    }

    /// <summary><c>{1 ok, 2 error, 3 index}</c>; the first is false even when all is well.</summary>
    private static byte[] Answer(string? error, ulong index)
    {
        using var answer = new MemoryStream();
        using var output = new CodedOutputStream(answer);
        output.WriteTag(1, WireFormat.WireType.Varint);
        output.WriteBool(false);
        output.WriteTag(error is null ? 3 : 2, error is null ? WireFormat.WireType.Varint : WireFormat.WireType.LengthDelimited);
        if (error is null)
        {
            output.WriteUInt64(index);
        }
        else
        {
            output.WriteString(error);
        }

        output.Flush();
        return answer.ToArray();
    }

    private HttpResponse Ping(HttpRequest request)
    {
        var isHealthy = request.Parameter("all").Length == 0 || node.Cluster.MetaNodes.TrueForAll(n => n.IsRunning);
        return isHealthy ? HttpResponse.Of(node.Cluster.Leader?.RaftAddress ?? "") : HttpResponse.JsonError(500, "one or more metaservers not up");
    }

    private HttpResponse Lease(HttpRequest request)
    {
        var (name, id) = (request.Parameter("name"), request.Parameter("nodeid"));
        if (name.Length == 0 || id.Length == 0)
        {
            return HttpResponse.TextError(400, name.Length == 0 ? "lease name required" : "node ID required");
        }

        if (Redirect("/lease", $"?{request.SortedQuery}") is { } elsewhere)
        {
            return elsewhere;
        }

        if (!ulong.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return HttpResponse.TextError(400, "invalid node ID");
        }

        var lease = node.Cluster.TakeLease(name, number);
        var expires = GoTime.Format(GoTime.UnixNano(GoTime.Of(lease.Expires)));
        return HttpResponse.Of(GoJson.Text(new { name, expiration = expires, owner = lease.Owner }), status: lease.IsTaken ? 200 : 409);
    }

    /// <summary>The answer of a node that does not lead; null where this node does.</summary>
    private HttpResponse? Redirect(string path, string query)
    {
        if (node.Cluster.Leader is not { } leader)
        {
            return HttpResponse.JsonError(503, "no leader");
        }

        if (ReferenceEquals(leader, node))
        {
            return null;
        }

        var location = $"{node.Scheme}://{leader.Address}{path}{query}";
        var response = path == "/lease"
            ? HttpResponse.Of($"<a href=\"{location.Replace("&", "&amp;", StringComparison.Ordinal)}\">Temporary Redirect</a>.\n\n", "text/html; charset=utf-8", 307)
            : HttpResponse.Of([], status: 307);
        response.Headers["Location"] = location;
        return response;
    }
}
