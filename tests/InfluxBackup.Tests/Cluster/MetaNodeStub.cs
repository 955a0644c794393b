using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Google.Protobuf;
using InfluxBackup.Cluster;

namespace InfluxBackup.Tests.Cluster;

/// <summary>A request as it arrived.</summary>
/// <param name="Target">Path and query.</param>
public sealed record MetaStubRequest(string Method, string Target, byte[] Body, string? Authorization);

/// <summary>What the stub does with a request.</summary>
/// <param name="Status">The status; 0 breaks the connection off.</param>
/// <param name="MetaIndex">Header <c>Influxdb-Metaindex</c>; null as of something that is no meta node.</param>
public sealed record MetaStubAnswer(int Status, byte[] Body, string? MetaIndex = "34", string? Location = null, string? Version = "1.8.11-c1.2.0")
{
    public static MetaStubAnswer Lost { get; } = new(0, []);

    public static MetaStubAnswer NoLeader { get; } = Error(503, "no leader");

    public static MetaStubAnswer Error(int status, string text) => new(status, Encoding.UTF8.GetBytes($"{{\"error\":\"{text}\"}}"));

    public static MetaStubAnswer Text(string text) => new(200, Encoding.UTF8.GetBytes(text));

    public static MetaStubAnswer Done(ulong index) => new(200, new MetaResponse { OK = false, Index = index }.ToByteArray());

    public static MetaStubAnswer Refused(string text) => new(200, new MetaResponse { OK = false, Error = text }.ToByteArray());

    public static MetaStubAnswer Redirect(MetaNodeStub leader, string path) => new(307, [], Location: $"http://{leader.Address}{path}");
}

/// <summary>
/// A meta node of one test, with just enough HTTP. Each connection serves one request. The question for the nodes' versions, which
/// comes before the first command, it answers by itself unless a test wants to.
/// </summary>
public sealed class MetaNodeStub : IAsyncDisposable
{
    /// <summary>First byte of TLS, to which a server without it answers with an error of HTTP.</summary>
    private const char HandshakeRecord = '\x16';

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Func<MetaStubRequest, Task<MetaStubAnswer>> answer;
    private readonly X509Certificate2? certificate;
    private readonly Task loop;

    public MetaNodeStub(Func<MetaStubRequest, MetaStubAnswer> answer, X509Certificate2? certificate = null)
        : this(request => Task.FromResult(answer(request)), certificate)
    {
    }

    public MetaNodeStub(Func<MetaStubRequest, Task<MetaStubAnswer>> answer, X509Certificate2? certificate = null)
    {
        this.answer = answer;
        this.certificate = certificate;
        listener.Start();
        Address = new MetaNodeAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
        loop = Task.Run(AcceptAsync);
    }

    public MetaNodeAddress Address { get; }

    public ConcurrentQueue<MetaStubRequest> Requests { get; } = new();

    /// <summary>Whether the test answers <c>/show-cluster</c> too.</summary>
    public bool AnswersAll { get; init; }

    /// <summary>An address where nobody listens.</summary>
    public static MetaNodeAddress Nobody()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return new MetaNodeAddress("127.0.0.1", ((IPEndPoint)socket.LocalEndpoint).Port);
    }

    public static X509Certificate2 Certificate(bool expired = false)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = DateTimeOffset.UtcNow;
        using var made = request.CreateSelfSigned(now.AddDays(-30), now.AddDays(expired ? -1 : 30));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }

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
                Stream stream = client.GetStream();
                if (certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(certificate);
                    stream = tls;
                }

                if (await ReadHeadAsync(stream) is not { } head)
                {
                    await stream.WriteAsync("HTTP/1.0 400 Bad Request\r\n\r\n"u8.ToArray());
                    return;
                }

                var body = new byte[int.Parse(Header(head, "Content-Length") ?? "0", CultureInfo.InvariantCulture)];
                await stream.ReadExactlyAsync(body);
                var line = head[0].Split(' ');
                var request = new MetaStubRequest(line[0], line[1], body, Header(head, "Authorization"));
                var isVersions = !AnswersAll && request.Target == "/show-cluster";
                if (!isVersions)
                {
                    Requests.Enqueue(request);
                }

                var given = isVersions ? MetaNodeClientTests.Captured("show-cluster.json") : await answer(request);
                if (given.Status == 0)
                {
                    client.Client.LingerState = new LingerOption(true, 0);
                    return;
                }

                await stream.WriteAsync(Encoding.UTF8.GetBytes(HeadOf(given)));
                await stream.WriteAsync(given.Body);
                await stream.FlushAsync();
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client has gone, or did not like the certificate.
            }
        }
    }

    private static async Task<string[]?> ReadHeadAsync(Stream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one);
            text.Append((char)one[0]);
            if (text[0] == HandshakeRecord)
            {
                return null;
            }
        }

        return text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    private static string? Header(string[] head, string name) =>
        head.FirstOrDefault(h => h.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    private static string HeadOf(MetaStubAnswer answer) =>
        $"HTTP/1.1 {answer.Status} X\r\nConnection: close\r\nContent-Length: {answer.Body.Length}\r\n"
        + (answer.Version is { } version ? $"X-Influxdb-Version: {version}\r\n" : "")
        + (answer.MetaIndex is { } index ? $"Influxdb-Metaindex: {index}\r\n" : "")
        + (answer.Location is { } location ? $"Location: {location}\r\n" : "")
        + "\r\n";
}
