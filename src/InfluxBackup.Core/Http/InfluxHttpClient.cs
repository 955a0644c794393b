using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace InfluxBackup.Http;

/// <summary>Files of one shard as the server counts them (<c>tsm1_filestore</c> of SHOW STATS).</summary>
/// <param name="TsmFiles">TSM files; tombstones don't count.</param>
/// <param name="DiskBytes">Bytes of the TSM files, with those of tombstones only after the shard was reopened.</param>
public sealed record ShardStatistics(int TsmFiles, long DiskBytes);

/// <summary>A field as the server knows it in one policy; one whose shards have different types comes once with each.</summary>
/// <param name="Measurement">Its measurement.</param>
/// <param name="Field">Its name.</param>
/// <param name="Type"><c>float</c>, <c>integer</c>, <c>unsigned</c>, <c>string</c> or <c>boolean</c>.</param>
public sealed record FieldKey(string Measurement, string Field, string Type);

/// <summary>The parts of the HTTP API that backups need: <c>/ping</c> and <c>/query</c>.</summary>
public sealed class InfluxHttpClient : IDisposable
{
    private readonly HttpClient http;
    private readonly Uri uri;

    public InfluxHttpClient(InfluxHttpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        uri = BaseUri(options);
        http = CreateClient(options, new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.GZip, ConnectTimeout = TimeSpan.FromSeconds(15) });
    }

    /// <summary>Address without user information, for messages.</summary>
    public string Host => uri.GetLeftPart(UriPartial.Authority);

    /// <summary>The server's version, as in <c>X-Influxdb-Version</c>.</summary>
    public async Task<string?> ReadVersionAsync(CancellationToken cancel)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(uri, "ping")), cancel).ConfigureAwait(false);
        return response.Headers.TryGetValues("X-Influxdb-Version", out var values) ? values.FirstOrDefault() : null;
    }

    /// <summary>Runs statements; throws the first error that the server reports.</summary>
    /// <exception cref="InfluxBackupException">The server can't be reached, refuses the login, or reports an error.</exception>
    public async Task<JsonDocument> QueryAsync(string statement, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(uri, "query?epoch=ns"))
        {
            Content = new FormUrlEncodedContent([new("q", statement)]),
        };
        using var response = await SendAsync(request, cancel).ConfigureAwait(false);
        var document = await ParseAsync(response, cancel).ConfigureAwait(false);
        if (FindError(document.RootElement) is { } error)
        {
            document.Dispose();
            throw response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                ? Refused(error)
                : new InfluxBackupException("QueryFailed", ErrorKind.InvalidData, $"{Host} refuses a statement: {error}") { Subject = Host };
        }

        return document;
    }

    /// <summary>Names of the users.</summary>
    public async Task<IReadOnlySet<string>> ReadUserNamesAsync(CancellationToken cancel)
    {
        using var answer = await QueryAsync("SHOW USERS", cancel).ConfigureAwait(false);
        // A server without users answers with columns alone.
        return Series(answer)
            .Where(s => s.TryGetProperty("values", out _))
            .SelectMany(s => s.GetProperty("values").EnumerateArray())
            .Select(v => v[0].GetString()!)
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The fields of a policy with their types, over all its shards. Without the policy's name it would be those of the default one.</summary>
    public async Task<IReadOnlySet<FieldKey>> ReadFieldKeysAsync(string database, string retentionPolicy, CancellationToken cancel)
    {
        using var answer = await QueryAsync($"SHOW FIELD KEYS ON {InfluxQl.Identifier(database)} FROM {InfluxQl.Identifier(retentionPolicy)}./.*/", cancel).ConfigureAwait(false);
        return Series(answer)
            .Where(s => s.TryGetProperty("values", out _))
            .SelectMany(s => s.GetProperty("values").EnumerateArray().Select(v => new FieldKey(s.GetProperty("name").GetString()!, v[0].GetString()!, v[1].GetString()!)))
            .ToHashSet();
    }

    /// <summary>Files of every shard that is open on the server, by shard id. Waits while any shard takes an upload.</summary>
    public async Task<IReadOnlyDictionary<ulong, ShardStatistics>> ReadShardStatisticsAsync(CancellationToken cancel)
    {
        using var answer = await QueryAsync("SHOW STATS FOR 'tsm1_filestore'", cancel).ConfigureAwait(false);
        try
        {
            return ParseShardStatistics(answer);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException or ArgumentException)
        {
            throw new InfluxBackupException("NotAnInfluxServer", ErrorKind.Connection, $"{Host} answers SHOW STATS in a form that is not known here: {e.Message}", e) { Subject = Host };
        }
    }

    /// <summary>Whether the anti-entropy service is switched on; false where the server has no such service. Needs an administrator.</summary>
    public async Task<bool> IsAntiEntropyEnabledAsync(CancellationToken cancel)
    {
        using var answer = await QueryAsync("SHOW DIAGNOSTICS FOR 'config-ae'", cancel).ConfigureAwait(false);
        return Series(answer).Any(s => s.TryGetProperty("columns", out var columns) && s.TryGetProperty("values", out var values)
            && columns.EnumerateArray().Select(c => c.GetString()).ToList().IndexOf("enabled") is >= 0 and var enabled
            && values.EnumerateArray().Any(v => v.GetArrayLength() > enabled && v[enabled].ValueKind == JsonValueKind.True));
    }

    private static Dictionary<ulong, ShardStatistics> ParseShardStatistics(JsonDocument answer)
    {
        var statistics = new Dictionary<ulong, ShardStatistics>();
        foreach (var series in Series(answer).Where(s => s.TryGetProperty("tags", out _) && s.TryGetProperty("values", out _)))
        {
            var columns = series.GetProperty("columns").EnumerateArray().Select(c => c.GetString()).ToList();
            var values = series.GetProperty("values")[0];
            if (ulong.TryParse(series.GetProperty("tags").GetProperty("id").GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                statistics[id] = new ShardStatistics(values[columns.IndexOf("numFiles")].GetInt32(), values[columns.IndexOf("diskBytes")].GetInt64());
            }
        }

        return statistics;
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    /// <summary>The address below which <c>ping</c>, <c>query</c> and <c>write</c> lie.</summary>
    internal static Uri BaseUri(InfluxHttpOptions options) => new(options.Uri.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/");

    /// <summary>A client with certificate check, login and timeout as the options want them.</summary>
    internal static HttpClient CreateClient(InfluxHttpOptions options, SocketsHttpHandler handler)
    {
        if (options.SkipCertificateCheck)
        {
#pragma warning disable CA5359 // Any certificate is accepted only where the user asked for it by name.
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        var http = new HttpClient(handler) { Timeout = options.Timeout };
        if (options.Credential is { } credential)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.UserName}:{credential.Password}")));
        }

        return http;
    }

    private static IEnumerable<JsonElement> Series(JsonDocument answer) =>
        answer.RootElement.GetProperty("results").EnumerateArray()
            .SelectMany(r => r.TryGetProperty("series", out var series) ? series.EnumerateArray() : Enumerable.Empty<JsonElement>());

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            return await http.SendAsync(request, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            throw new InfluxBackupException(
                "HttpUnreachable", ErrorKind.Connection, $"The HTTP API at {Host} can't be reached: {(e is OperationCanceledException ? "no answer in time" : e.Message)}", e)
            {
                Subject = Host,
                Remedy = "Check the address (default port 8086) and whether the server wants https.",
                IsTransient = true,
            };
        }
    }

    private async Task<JsonDocument> ParseAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var text = await response.Content.ReadAsStringAsync(cancel).ConfigureAwait(false);
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException e)
        {
            throw response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                ? Refused(response.ReasonPhrase ?? "no access")
                : new InfluxBackupException("NotAnInfluxServer", ErrorKind.Connection, $"{Host} does not answer as an InfluxDB HTTP API does (status {(int)response.StatusCode}).", e)
                {
                    Subject = Host,
                };
        }
    }

    private InfluxBackupException Refused(string why) =>
        new("LoginRefused", ErrorKind.Security, $"{Host} refuses access: {why}.") { Subject = Host, Remedy = "Give the credential of an administrator." };

    private static string? FindError(JsonElement root)
    {
        if (root.TryGetProperty("error", out var error))
        {
            return error.GetString();
        }

        return root.TryGetProperty("results", out var results)
            ? results.EnumerateArray().Select(r => r.TryGetProperty("error", out var e) ? e.GetString() : null).FirstOrDefault(e => e is not null)
            : null;
    }
}
