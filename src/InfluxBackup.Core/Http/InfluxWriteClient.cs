using System.Net;
using System.Net.Http.Headers;

namespace InfluxBackup.Http;

/// <summary>
/// Writes points to a server, or to a cluster by several addresses: callers are spread over them, and one that does not answer is
/// left alone for a while.
/// </summary>
public sealed class InfluxWriteClient : IDisposable
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private readonly Endpoint[] endpoints;
    private readonly WriteSettings settings;

    /// <param name="servers">At least one address.</param>
    /// <param name="settings">Precision and consistency.</param>
    /// <param name="connections">Connections that are open to one address at most.</param>
    public InfluxWriteClient(IReadOnlyList<InfluxHttpOptions> servers, WriteSettings settings, int connections)
    {
        this.settings = settings;
        endpoints = [.. servers.Select(s => new Endpoint(s, connections))];
    }

    /// <summary>Sends lines. Errors of the connection are an answer too.</summary>
    /// <param name="target">Database and policy.</param>
    /// <param name="body">Line protocol.</param>
    /// <param name="isGzip">Whether it is compressed.</param>
    /// <param name="choice">Which of the addresses, counted round; another one is taken where it is known to be down.</param>
    /// <param name="cancel">Ends the request.</param>
    public async Task<WriteAnswer> WriteAsync(WriteTarget target, ReadOnlyMemory<byte> body, bool isGzip, int choice, CancellationToken cancel)
    {
        var endpoint = Choose(choice);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint.Uri, settings.Query(target))) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain") { CharSet = "utf-8" };
        if (isGzip)
        {
            request.Content.Headers.ContentEncoding.Add("gzip");
        }

        try
        {
            using var response = await endpoint.Http.SendAsync(request, cancel).ConfigureAwait(false);
            var text = response.StatusCode == HttpStatusCode.NoContent ? "" : await response.Content.ReadAsStringAsync(cancel).ConfigureAwait(false);
            var answer = WriteAnswer.Of(
                response.StatusCode, text, RetryAfter(response), response.Headers.Contains("X-Influxdb-Version"), endpoint.Host, target);
            endpoint.DownUntil = answer.Verdict == WriteVerdict.Unavailable && endpoints.Length > 1 ? DateTime.UtcNow + Rest : default;
            return answer;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            endpoint.DownUntil = DateTime.UtcNow + Rest;
            return WriteAnswer.Unavailable(
                $"{endpoint.Host} can't be reached: {(e is OperationCanceledException ? $"no answer within {endpoint.Http.Timeout.TotalSeconds:0} s" : Innermost(e))}.", endpoint.Host, cause: e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var endpoint in endpoints)
        {
            endpoint.Http.Dispose();
        }
    }

    private Endpoint Choose(int choice)
    {
        var now = DateTime.UtcNow;
        for (var i = 0; i < endpoints.Length; i++)
        {
            var endpoint = endpoints[(int)(((uint)choice + (uint)i) % (uint)endpoints.Length)];
            if (endpoint.DownUntil <= now)
            {
                return endpoint;
            }
        }

        return endpoints[(int)((uint)choice % (uint)endpoints.Length)];
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > DateTimeOffset.UtcNow => date - DateTimeOffset.UtcNow,
        _ => null,
    };

    /// <summary>The outer messages speak of "an error while sending the request".</summary>
    private static string Innermost(Exception e) => e.GetBaseException().Message.TrimEnd('.');

    private sealed class Endpoint(InfluxHttpOptions options, int connections)
    {
        public HttpClient Http { get; } = InfluxHttpClient.CreateClient(
            options,
            // A redirected POST may go on as a GET without its lines, whose answer says nothing of them.
            new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(15), MaxConnectionsPerServer = connections, AllowAutoRedirect = false });

        public Uri Uri { get; } = InfluxHttpClient.BaseUri(options);

        public string Host { get; } = options.Uri.GetLeftPart(UriPartial.Authority);

        /// <summary>Until when it is passed over; several threads may set it, and none minds which one was last.</summary>
        public DateTime DownUntil { get; set; }
    }
}
