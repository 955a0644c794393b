using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cluster;

/// <summary>
/// Brings a request to whichever meta node serves it: any that is up, or the leader where only that one may (a follower answers 307
/// with the leader's address). While there is no leader it waits, within the options' patience.
/// </summary>
internal sealed class MetaNodeTransport : IDisposable
{
    /// <summary>From a follower to the leader is one; more only while the leader changes.</summary>
    private const int MostRedirects = 4;

    private const int LargestAnswer = 512 << 20;

    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<MetaNodeAddress> nodes;
    private readonly MetaNodeOptions options;
    private readonly ILogger logger;
    private readonly HttpClient http;
    private readonly HashSet<string> reported = [];

    /// <summary>The node that served the last request; it is asked first.</summary>
    private volatile MetaNodeAddress? favourite;

    public MetaNodeTransport(IReadOnlyList<MetaNodeAddress> nodes, MetaNodeOptions options, ILogger logger)
    {
        this.nodes = nodes;
        this.options = options;
        this.logger = logger;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = options.ConnectTimeout,
            // A connection serves one request: on one that was kept, a node that has gone meanwhile looks like an answer that was lost.
            PooledConnectionLifetime = TimeSpan.Zero,
            UseProxy = false,
        };
        handler.SslOptions.RemoteCertificateValidationCallback = CertificateCheck.Of(options.SkipCertificateCheck);
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestAnswer };
    }

    public void Dispose() => http.Dispose();

    /// <summary>One answer, of a node that can give it. Anything but status 307 and 503 is an answer.</summary>
    public Task<MetaReply> AskAsync(MetaRequest request, CancellationToken cancel) => AskAsync(request, _ => false, cancel);

    /// <summary>The same where some answers too say that the request has to be made again.</summary>
    /// <param name="isNoAnswer">Recognises an answer of a leader that has lost its office before it did anything.</param>
    public Task<MetaReply> AskAsync(MetaRequest request, Func<MetaReply, bool> isNoAnswer, CancellationToken cancel) => RepeatAsync(
        async failures =>
        {
            foreach (var node in InOrder())
            {
                var attempt = await FollowAsync(node, request, options.Timeout, isNoAnswer, cancel).ConfigureAwait(false);
                if (attempt.Reply is { } reply)
                {
                    favourite = reply.Node;
                    return reply;
                }

                if (node == favourite)
                {
                    favourite = null;
                }

                failures.Add(attempt);
            }

            return null;
        },
        cancel);

    /// <summary>
    /// The answers of all nodes that are up. As soon as there is one, the others get <paramref name="grace"/>: a node that is down
    /// and whose host does not say so would keep everybody waiting.
    /// </summary>
    public Task<IReadOnlyList<MetaReply>> AskEachAsync(MetaRequest request, TimeSpan limit, TimeSpan grace, CancellationToken cancel) =>
        RepeatAsync<IReadOnlyList<MetaReply>>(
            async failures =>
            {
                using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                var replies = new List<MetaReply>();
                var running = nodes.Select(n => FollowAsync(n, request, limit, _ => false, late.Token)).ToList();
                while (running.Count > 0)
                {
                    var done = await Task.WhenAny(running).ConfigureAwait(false);
                    running.Remove(done);
                    try
                    {
                        var attempt = await done.ConfigureAwait(false);
                        if (attempt.Reply is { } reply)
                        {
                            replies.Add(reply);
                            late.CancelAfter(grace);
                        }
                        else
                        {
                            failures.Add(attempt);
                        }
                    }
                    catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
                    {
                        // Too late; somebody else has answered.
                    }
                }

                cancel.ThrowIfCancellationRequested();
                return replies.Count == 0 ? null : replies;
            },
            cancel);

    /// <summary>Rounds through the nodes until one brings an answer, as long as waiting makes sense.</summary>
    private async Task<T> RepeatAsync<T>(Func<List<Attempt>, Task<T?>> round, CancellationToken cancel)
        where T : class
    {
        var time = Stopwatch.StartNew();
        for (var wait = ShortestWait; ; wait = wait * 2 < LongestWait ? wait * 2 : LongestWait)
        {
            var failures = new List<Attempt>();
            if (await round(failures).ConfigureAwait(false) is { } answer)
            {
                failures.ForEach(Report);
                return answer;
            }

            var errors = failures.Select(f => f.Error!).ToList();
            if (!failures.Any(f => f.IsWorthWaiting) || time.Elapsed + wait > options.Patience)
            {
                throw MetaNodeErrors.Several(errors);
            }

            logger.LogDebug("Waiting for a meta node: {Reason}", errors[0].Message);
            await Task.Delay(wait, cancel).ConfigureAwait(false);
        }
    }

    private IEnumerable<MetaNodeAddress> InOrder() =>
        favourite is { } first ? nodes.Where(n => n != first).Prepend(first).ToList() : nodes;

    /// <summary>Asks one node and goes where it sends us. The scheme stays ours: no answer makes us send a password over a plain connection.</summary>
    private async Task<Attempt> FollowAsync(MetaNodeAddress node, MetaRequest request, TimeSpan limit, Func<MetaReply, bool> isNoAnswer, CancellationToken cancel)
    {
        var at = node;
        for (var redirects = 0; ; redirects++)
        {
            var attempt = await SendAsync(at, request, limit, cancel).ConfigureAwait(false);
            if (attempt.Reply is not { } reply)
            {
                var error = attempt.Error!;
                return redirects == 0
                    ? attempt
                    // A leader that is down will be followed by another one; a name that nobody knows stays unknown.
                    : attempt with { Error = MetaNodeErrors.LeaderUnreachable(node, at, error), IsWorthWaiting = error.IsTransient };
            }

            if (reply.Status == HttpStatusCode.ServiceUnavailable && reply.MetaIndex is not null)
            {
                return new Attempt(null, MetaNodeErrors.NoLeader(at, reply.ErrorText), IsWorthWaiting: true);
            }

            if (isNoAnswer(reply))
            {
                return new Attempt(null, MetaNodeErrors.NoLeader(at, "it has lost the leadership"), IsWorthWaiting: true);
            }

            if (!reply.IsRedirect)
            {
                return attempt;
            }

            if (reply.Location is not { IsAbsoluteUri: true, Host.Length: > 0 } leader)
            {
                throw MetaNodeErrors.NotAMetaNode(reply);
            }

            if (redirects == MostRedirects)
            {
                return new Attempt(null, MetaNodeErrors.NoLeader(at, "the nodes do not agree on a leader"), IsWorthWaiting: true);
            }

            at = new MetaNodeAddress(leader.IdnHost.Trim('[', ']'), leader.IsDefaultPort ? MetaNodeAddress.DefaultPort : leader.Port);
            logger.LogDebug("Meta node {Node} sends us to {Leader}", node, at);
        }
    }

    /// <summary>One request to one node.</summary>
    private async Task<Attempt> SendAsync(MetaNodeAddress node, MetaRequest request, TimeSpan limit, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(limit);
        using var message = new HttpRequestMessage(request.Body is null ? HttpMethod.Get : HttpMethod.Post, $"{(options.UseTls ? "https" : "http")}://{node}{request.Path}");
        if (request.Body is { } body)
        {
            message.Content = new ByteArrayContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        }

        message.Headers.Authorization = Authorization();
        InfluxBackupException error;
        try
        {
            using var response = await http.SendAsync(message, limited.Token).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(limited.Token).ConfigureAwait(false);
            return new Attempt(
                new MetaReply(node, response.StatusCode, bytes, Header(response, "Influxdb-Metaindex"), Header(response, "X-Influxdb-Version"), response.Headers.Location), null);
        }
        catch (OperationCanceledException e)
        {
            cancel.ThrowIfCancellationRequested();
            error = limited.IsCancellationRequested ? MetaNodeErrors.OfException(node, e, limit) : MetaNodeErrors.ConnectTimeout(node, options.ConnectTimeout, e);
        }
        catch (HttpRequestException e)
        {
            cancel.ThrowIfCancellationRequested();
            error = MetaNodeErrors.OfException(node, e, limit);
        }

        // A node that broke off was there a moment ago: it restarts, or another one takes over.
        return new Attempt(null, error, IsWorthWaiting: request.Body is not null && error.Id == "MetaAnswerLost");
    }

    private AuthenticationHeaderValue? Authorization() => options switch
    {
        { SharedSecret: { } secret } => new("Bearer", MetaToken.Create(secret, options.UserName ?? "", DateTimeOffset.UtcNow)),
        { Credential: { } user } => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user.UserName}:{user.Password}"))),
        _ => null,
    };

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    /// <summary>Tells of a node that was passed over, once. That the leader changes is no news: it is waited for.</summary>
    private void Report(Attempt failure)
    {
        bool isNews;
        lock (reported)
        {
            isNews = !failure.IsWorthWaiting && reported.Add(failure.Error!.Subject ?? failure.Error.Message);
        }

        if (isNews)
        {
            logger.LogWarning("{Reason} Another meta node was asked.", failure.Error!.Message);
        }
    }

    /// <param name="IsWorthWaiting">Soon the same request may be answered.</param>
    private sealed record Attempt(MetaReply? Reply, InfluxBackupException? Error, bool IsWorthWaiting = false);
}
