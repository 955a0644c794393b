using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace InfluxBackup.IntegrationTests.Import;

/// <summary>A request for <c>/write</c> as it arrived.</summary>
public sealed record StubRequest(string Query, string Body, bool IsGzip, string? Authorization)
{
    public string[] Lines => Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>What the stub does with a request.</summary>
/// <param name="Status">The status; 0 breaks the connection off.</param>
/// <param name="Body">Text of the answer.</param>
/// <param name="RetryAfter">Seconds.</param>
/// <param name="Stall">Wait before the answer.</param>
/// <param name="Location">Where a redirection leads.</param>
public sealed record StubAnswer(int Status = 204, string Body = "", int? RetryAfter = null, TimeSpan Stall = default, string? Location = null)
{
    public static StubAnswer Good { get; } = new();

    public static StubAnswer Error(int status, string text) => new(status, $"{{\"error\":{System.Text.Json.JsonSerializer.Serialize(text)}}}");
}

/// <summary>An HTTP API inside the process that answers as a test wants it to. It speaks just enough HTTP/1.1 for that.</summary>
public sealed class HttpStub : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Func<StubRequest, Task<StubAnswer>> answer;
    private readonly Task loop;

    public HttpStub(Func<StubRequest, StubAnswer> answer)
        : this(request => Task.FromResult(answer(request)))
    {
    }

    public HttpStub(Func<StubRequest, Task<StubAnswer>> answer)
    {
        this.answer = answer;
        listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        loop = Task.Run(AcceptAsync);
    }

    public Uri Address { get; }

    /// <summary>All writes in the order of their arrival.</summary>
    public ConcurrentQueue<StubRequest> Writes { get; } = new();

    public ConcurrentQueue<string> Queries { get; } = new();

    /// <summary>The error that statements get, if any.</summary>
    public Func<string, string?> StatementError { get; set; } = _ => null;

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await loop;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var client = await listener.AcceptTcpClientAsync();
                _ = Task.Run(() => ServeAsync(client));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = new BufferedStream(client.GetStream(), 64 << 10);
                while (await ReadHeadAsync(stream) is { } head)
                {
                    var body = new byte[int.Parse(Header(head, "Content-Length") ?? "0", CultureInfo.InvariantCulture)];
                    await stream.ReadExactlyAsync(body);
                    var given = await HandleAsync(head, body);
                    await Task.Delay(given.Stall);
                    if (given.Status == 0)
                    {
                        client.Client.LingerState = new LingerOption(true, 0);
                        return;
                    }

                    await stream.WriteAsync(Encoding.UTF8.GetBytes(Response(given)));
                    await stream.FlushAsync();
                }
            }
            catch (IOException)
            {
                // The client has gone.
            }
        }
    }

    private async Task<StubAnswer> HandleAsync(string[] head, byte[] body)
    {
        var target = head[0].Split(' ')[1];
        if (target.StartsWith("/ping", StringComparison.Ordinal))
        {
            return StubAnswer.Good;
        }

        if (target.StartsWith("/query", StringComparison.Ordinal))
        {
            var statement = Uri.UnescapeDataString(Encoding.UTF8.GetString(body)["q=".Length..].Replace('+', ' '));
            Queries.Enqueue(statement);
            var error = StatementError(statement);
            return new StubAnswer(200, error is null ? "{\"results\":[{\"statement_id\":0}]}" : $"{{\"results\":[{{\"statement_id\":0,\"error\":\"{error}\"}}]}}");
        }

        var isGzip = Header(head, "Content-Encoding") == "gzip";
        var request = new StubRequest(target[target.IndexOf('?', StringComparison.Ordinal)..], Text(body, isGzip), isGzip, Header(head, "Authorization"));
        Writes.Enqueue(request);
        return await answer(request);
    }

    private static async Task<string[]?> ReadHeadAsync(Stream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one) == 1)
        {
            text.Append((char)one[0]);
            if (one[0] == '\n' && text.Length > 3 && text.ToString(text.Length - 4, 4) == "\r\n\r\n")
            {
                return text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return null;
    }

    private static string? Header(string[] head, string name) =>
        head.FirstOrDefault(h => h.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    private static string Text(byte[] body, bool isGzip)
    {
        using Stream stream = isGzip ? new GZipStream(new MemoryStream(body), CompressionMode.Decompress) : new MemoryStream(body);
        using var reader = new StreamReader(stream, new UTF8Encoding(false));
        return reader.ReadToEnd();
    }

    private static string Response(StubAnswer answer) =>
        $"HTTP/1.1 {answer.Status} X\r\nX-Influxdb-Version: 1.6.7\r\n"
        + (answer.RetryAfter is { } seconds ? $"Retry-After: {seconds}\r\n" : "")
        + (answer.Location is { } location ? $"Location: {location}\r\n" : "")
        + (answer.Status == 204 ? "" : $"Content-Length: {Encoding.UTF8.GetByteCount(answer.Body)}\r\n")
        + "\r\n" + answer.Body;
}
