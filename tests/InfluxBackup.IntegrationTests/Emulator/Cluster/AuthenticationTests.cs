using System.Security.Cryptography;
using System.Text;
using InfluxBackup.Emulator;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

public sealed class AuthenticationTests
{
    private static readonly EmulatedAuthentication Login = new("root", "pä:ss", "short", "nodes only");

    [Theory]
    [InlineData("", "unable to parse authentication credentials")]
    [InlineData("Basic root:wrong", "authorization failed")]
    [InlineData("Basic nobody:x", "authorization failed")]
    [InlineData("Basic :x", "username required")]
    [InlineData("Basic root:pä:ss", null)]
    [InlineData("Token root:pä:ss", null)]
    public async Task Passwords_are_checked(string authorization, string? error)
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { Authentication = Login });
        if (authorization.StartsWith("Basic ", StringComparison.Ordinal))
        {
            authorization = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(authorization[6..]));
        }

        var target = authorization.StartsWith("Token", StringComparison.Ordinal) ? $"/ping?u=root&p={Uri.EscapeDataString("pä:ss")}" : "/ping";
        var answer = await cluster.GetAsync(target, 1, target.Length > 5 || authorization.Length == 0 ? null : authorization);
        Assert.Equal(error is null ? 200 : 401, answer.Status);
        Assert.Equal(error is null ? cluster.Cluster.MetaNodes[0].RaftAddress : $$"""{"error":"{{error}}"}""", answer.Text);
        Assert.Equal(error is null ? "" : "Basic realm=\"InfluxDB\"", answer.Header("WWW-Authenticate"));
    }

    [Theory]
    [InlineData("root", "short", 60, null)]
    [InlineData("root", "wrong", 60, "signature is invalid")]
    [InlineData("root", "short", -60, "signature is invalid")]
    [InlineData("nobody", "short", 60, "user not found")]
    [InlineData("", "nodes only", 60, null)]
    [InlineData("", "short", 60, "signature is invalid")]
    public async Task Tokens_are_checked(string user, string secret, int seconds, string? error)
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { Authentication = Login });
        var answer = await cluster.GetAsync("/status", 0, $"Bearer {Token(user, secret, seconds)}");
        Assert.Equal(error is null ? 200 : 401, answer.Status);
        Assert.True(error is null || answer.Text == $$"""{"error":"{{error}}"}""");
    }

    [Fact]
    public async Task Without_a_secret_there_are_no_tokens_and_without_an_administrator_nothing_at_all()
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { Authentication = new EmulatedAuthentication() });
        Assert.Contains("bearer auth disabled", (await cluster.GetAsync("/status", 0, $"Bearer {Token("admin", "x", 60)}")).Text);
        cluster.Cluster.Metadata.Edit(d => d.Users.Clear());
        Assert.Equal((400, """{"error":"must create admin user first"}"""), ((await cluster.GetAsync("/ping")).Status, (await cluster.GetAsync("/ping")).Text));
    }

    [Fact]
    public async Task Users_made_over_http_can_log_in()
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { Authentication = new EmulatedAuthentication() });
        var admin = "Basic " + Convert.ToBase64String("admin:admin"u8);
        Assert.Equal(200, (await cluster.PostAsync("/user", """{"action":"create","user":{"name":"a","password":"p"}}"""u8.ToArray(), 0, admin)).Status);
        Assert.Equal(200, (await cluster.GetAsync("/ping?u=a&p=p")).Status);
        Assert.Equal((400, """{"error":"user already exists"}"""), await AskAsync("""{"action":"create","user":{"name":"a","password":"p"}}"""));
        Assert.Equal((400, """{"error":"invalid action: x"}"""), await AskAsync("""{"action":"x","user":{"name":"a"}}"""));
        Assert.Equal((200, ""), await AskAsync("""{"action":"delete","user":{"name":"a"}}"""));
        Assert.Equal(401, (await cluster.GetAsync("/ping?u=a&p=p")).Status);

        async Task<(int, string)> AskAsync(string body)
        {
            var answer = await cluster.PostAsync("/user", Encoding.UTF8.GetBytes(body), 0, admin);
            return (answer.Status, answer.Text);
        }
    }

    [Fact]
    public async Task Tls_can_be_on_both_kinds_of_nodes()
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { UseTls = true, UseTlsOnDataNodes = true });
        Assert.StartsWith("https://", (await cluster.ExecuteAsync(Command.CreateDatabase("a"), 1)).Header("Location"));
        Assert.Equal(200, (await cluster.ExecuteAsync(Command.CreateDatabase("a"))).Status);
        Assert.Contains("\"httpScheme\":\"https\"", (await cluster.GetAsync("/show-cluster")).Text);
        Assert.Equal(200, (await cluster.SendAsync(HttpMethod.Get, cluster.Cluster.DataNodes[0].Address, "/status", null)).Status);
        Assert.Equal(204, (await cluster.SendAsync(HttpMethod.Get, cluster.Cluster.DataNodes[0].HttpAddress, "/ping", null)).Status);
    }

    private static string Token(string user, string secret, int seconds)
    {
        var head = Encode("""{"alg":"HS512","typ":"JWT"}"""u8);
        var claims = Encode(Encoding.UTF8.GetBytes($$"""{"username":"{{user}}","exp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds}}}"""));
        return $"{head}.{claims}.{Encode(HMACSHA512.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{head}.{claims}")))}";
    }

    private static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
