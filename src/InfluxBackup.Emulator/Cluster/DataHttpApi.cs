using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// The HTTP API of a cluster's data node: <c>/ping</c>, the statements of <see cref="InfluxQlAnswers"/> on <c>/query</c>, and <c>/write</c>,
/// which stores points at once as TSM files on all owners that run. Answers are those of influxdb-cluster 1.8.11-c1.2.0.
/// </summary>
internal sealed class DataHttpApi(ShardStore shards, FaultPlan plan, ClusterMembership cluster, ConcurrentQueue<ReceivedHttpRequest> received) : IConnectionHandler
{
    private const long Second = 1_000_000_000;

    public Task HandleAsync(FaultyStream connection, CancellationToken cancel) =>
        new HttpConnection(connection, default).ServeAsync((request, _) => Task.FromResult<HttpResponse?>(Answer(connection, request)), cancel);

    private HttpResponse Answer(FaultyStream connection, HttpRequest request)
    {
        received.Enqueue(new ReceivedHttpRequest(request.Method, request.Target, request.Header("Authorization"), null) { Body = request.Body });
        var faults = plan.Take(new FaultedRequest(FaultedService.Http, Path: request.Path));
        connection.Arm(faults);
        var response = faults.Find<Fault.HttpError>() is { } error
            ? HttpResponse.JsonError(error.Status, error.Error)
            : request.Path == "/ping" ? HttpResponse.Of([], HttpResponse.Json, 204) : cluster.Authentication.Refuse(request, needsAdministrator: false) ?? Answer(request);
        response.Headers["X-Influxdb-Build"] = "OSS";
        response.Headers["X-Influxdb-Version"] = EmulatedCluster.Version;
        response.Headers["Request-Id"] = response.Headers["X-Request-Id"] = Guid.NewGuid().ToString();
        return response;
    }

    private HttpResponse Answer(HttpRequest request)
    {
        try
        {
            return request.Path switch
            {
                "/query" => Query(request),
                "/write" when request.Method == "POST" => Write(request),
                _ => HttpResponse.TextError(404, "404 page not found"),
            };
        }
        catch (FormatException e)
        {
            return HttpResponse.JsonError(400, e.Message);
        }
    }

    private HttpResponse Query(HttpRequest request)
    {
        var statements = InfluxQlAnswers.Statements(request.Parameter("q")).ToList();
        if (statements.Count == 0)
        {
            return HttpResponse.JsonError(400, "missing required parameter \"q\"");
        }

        var answers = new InfluxQlAnswers(cluster, shards, request.Parameter("epoch") is "ns" or "n");
        return HttpResponse.Of(GoJson.Line(new { results = statements.Select(answers.Answer).ToList() }), HttpResponse.Json);
    }

    private HttpResponse Write(HttpRequest request)
    {
        var (database, consistency) = (request.Parameter("db"), request.Parameter("consistency"));
        var found = cluster.Metadata.Read().Databases.FirstOrDefault(d => d.Name == database);
        if (database.Length == 0 || consistency is not ("" or "any" or "one" or "quorum" or "all"))
        {
            return HttpResponse.JsonError(400, database.Length == 0 ? "database is required" : "invalid consistency level");
        }

        if (found is null)
        {
            return HttpResponse.JsonError(404, $"database not found: {GoJson.Text(database)}");
        }

        var policyName = request.Parameter("rp") is { Length: > 0 } named ? named : found.DefaultRetentionPolicy;
        if (found.RetentionPolicies.FirstOrDefault(p => p.Name == policyName) is not { } policy)
        {
            return HttpResponse.JsonError(500, $"retention policy not found: {policyName}");
        }

        var points = LineProtocolWrite.Parse(Encoding.UTF8.GetString(Unpack(request)), Unit(request.Parameter("precision")));
        var kept = points.Where(p => policy.Duration == 0 || p.Time >= GoTime.Now - policy.Duration).ToList();
        if (Conflict(database, policyName, kept) is { } conflict)
        {
            return HttpResponse.JsonError(500, conflict);
        }

        if (kept.Count > 0)
        {
            cluster.Cluster.Write(database, policyName, kept, n => n.IsRunning);
        }

        if (!IsStored(database, policyName, kept, consistency))
        {
            return HttpResponse.JsonError(500, "partial write");
        }

        return kept.Count == points.Count
            ? HttpResponse.Of([], HttpResponse.Json, 204)
            : HttpResponse.JsonError(400, $"partial write: points beyond retention policy dropped={points.Count - kept.Count}");
    }

    /// <summary>Whether enough owners run; what those who do have got stays.</summary>
    private bool IsStored(string database, string policy, List<EmulatedPoint> points, string consistency) =>
        points.Select(p => cluster.Cluster.ShardOf(database, policy, p.Series, p.Time)).Distinct().All(shard =>
        {
            var owners = cluster.Cluster.OwnersOf(shard.Id);
            var running = owners.Count(o => o.IsRunning);
            return running >= consistency switch
            {
                "all" => owners.Count,
                "quorum" => (owners.Count / 2) + 1,
                "any" => 0,
                _ => 1,
            };
        });

    /// <summary>The error of a point whose field has another type in its shard.</summary>
    private string? Conflict(string database, string policy, List<EmulatedPoint> points)
    {
        foreach (var shard in points.GroupBy(p => cluster.Cluster.ShardOf(database, policy, p.Series, p.Time)))
        {
            var types = cluster.Cluster.OwnersOf(shard.Key.Id).SelectMany(o => o.ReadPoints(shard.Key))
                .GroupBy(p => (SeriesName.Parse(p.Key.Series).Measurement, p.Key.Field)).ToDictionary(g => g.Key, g => InfluxQlAnswers.TypeName(g.First().Value));
            foreach (var point in shard)
            {
                var measurement = SeriesName.Parse(point.Series).Measurement;
                var type = InfluxQlAnswers.TypeName(point.Value);
                if (types.TryGetValue((measurement, point.Field), out var known) && known != type)
                {
                    return $"write failed: error code 1: write shard {shard.Key.Id}: partial write: field type conflict: input field \"{point.Field}\" on measurement \"{measurement}\" is type {type}, already exists as type {known} dropped=1";
                }
            }
        }

        return null;
    }

    private static byte[] Unpack(HttpRequest request)
    {
        if (!request.Header("Content-Encoding").Equals("gzip", StringComparison.OrdinalIgnoreCase))
        {
            return request.Body;
        }

        using var gzip = new GZipStream(new MemoryStream(request.Body), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        gzip.CopyTo(plain);
        return plain.ToArray();
    }

    private static long Unit(string precision) => precision switch
    {
        "" or "n" or "ns" => 1,
        "u" or "us" => 1_000,
        "ms" => 1_000_000,
        "s" => Second,
        "m" => 60 * Second,
        "h" => 3_600 * Second,
        _ => throw new FormatException($"invalid precision \"{precision}\" (use n, u, ms, s, m or h)"),
    };
}
