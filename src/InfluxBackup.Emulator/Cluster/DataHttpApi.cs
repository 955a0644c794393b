using System.Collections.Concurrent;

namespace InfluxBackup.Emulator;

/// <summary>The HTTP API of a cluster's data node: says its version and nothing else.</summary>
internal sealed class DataHttpApi(NodeStorage storage, FaultPlan plan, ClusterMembership cluster, ConcurrentQueue<ReceivedHttpRequest> received) : IConnectionHandler
{
    public Task HandleAsync(FaultyStream connection, CancellationToken cancel) =>
        new HttpConnection(connection, default).ServeAsync((request, _) => Task.FromResult<HttpResponse?>(Answer(connection, request)), cancel);

    private HttpResponse Answer(FaultyStream connection, HttpRequest request)
    {
        received.Enqueue(new ReceivedHttpRequest(request.Method, request.Target, request.Header("Authorization"), null) { Body = request.Body });
        var faults = plan.Take(new FaultedRequest(FaultedService.Http, Path: request.Path));
        connection.Arm(faults);
        var response = faults.Find<Fault.HttpError>() is { } error ? HttpResponse.JsonError(error.Status, error.Error) : Answer(request);
        response.Headers["X-Influxdb-Build"] = "OSS";
        response.Headers["X-Influxdb-Version"] = EmulatedCluster.Version;
        response.Headers["Request-Id"] = response.Headers["X-Request-Id"] = Guid.NewGuid().ToString();
        return response;
    }

    private HttpResponse Answer(HttpRequest request)
    {
        _ = storage;
        _ = cluster;
        return request.Path == "/ping" ? HttpResponse.Of([], HttpResponse.Json, 204) : HttpResponse.TextError(404, "404 page not found");
    }
}
