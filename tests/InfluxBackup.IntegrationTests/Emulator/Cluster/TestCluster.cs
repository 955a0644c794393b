using System.Net;
using InfluxBackup.Emulator;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

/// <summary>What a client of bare HTTP saw.</summary>
internal sealed record HttpAnswer(int Status, string Text, byte[] Bytes, HttpResponseMessage Message)
{
    public string Header(string name) => Message.Headers.TryGetValues(name, out var values) ? values.First() : "";
}

/// <summary>An emulated cluster on a temporary directory that goes away with it, and a client without any knowledge of clusters.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory directory;
    private readonly HttpClient client;
    private readonly string scheme;

    private TestCluster(EmulatedCluster cluster, TemporaryDirectory directory, bool usesTls)
    {
        Cluster = cluster;
        this.directory = directory;
        scheme = usesTls ? "https" : "http";
        client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.Zero,
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate!.GetCertHashString() == cluster.Certificate!.GetCertHashString() },
        }) { Timeout = TimeSpan.FromSeconds(10) };
    }

    public EmulatedCluster Cluster { get; }

    public string Directory => directory.Path;

    public static async Task<TestCluster> EmptyAsync(Func<EmulatedClusterOptions, EmulatedClusterOptions>? configure = null)
    {
        var directory = new TemporaryDirectory();
        var options = new EmulatedClusterOptions { Directory = directory };
        options = configure?.Invoke(options) ?? options;
        return new TestCluster(await EmulatedCluster.StartAsync(options), directory, options.UseTls);
    }

    /// <summary>A cluster with <see cref="ClusterSample"/>.</summary>
    public static async Task<TestCluster> SampleAsync(Func<EmulatedClusterOptions, EmulatedClusterOptions>? configure = null)
    {
        var cluster = await EmptyAsync(configure);
        ClusterSample.Write(cluster.Cluster);
        return cluster;
    }

    public Task<HttpAnswer> GetAsync(string target, int metaNode = 0, string? authorization = null) =>
        SendAsync(HttpMethod.Get, Cluster.MetaNodes[metaNode].Address, target, null, authorization);

    public Task<HttpAnswer> PostAsync(string target, byte[] body, int metaNode = 0, string? authorization = null) =>
        SendAsync(HttpMethod.Post, Cluster.MetaNodes[metaNode].Address, target, body, authorization);

    /// <summary>A command; the answer's bytes are <c>08 00</c> and either <c>12</c> and a text or <c>18</c> and an index.</summary>
    public Task<HttpAnswer> ExecuteAsync(byte[] command, int metaNode = 0) => PostAsync("/execute", command, metaNode);

    public async Task<HttpAnswer> SendAsync(HttpMethod method, string address, string target, byte[]? body, string? authorization = null)
    {
        using var request = new HttpRequestMessage(method, $"{scheme}://{address}{target}");
        request.Content = body is null ? null : new ByteArrayContent(body);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        var response = await client.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        return new HttpAnswer((int)response.StatusCode, System.Text.Encoding.UTF8.GetString(bytes), bytes, response);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await Cluster.DisposeAsync();
        directory.Dispose();
    }
}
