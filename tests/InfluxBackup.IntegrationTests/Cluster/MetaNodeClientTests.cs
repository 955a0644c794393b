using InfluxBackup.Cluster;
using InfluxBackup.Emulator;
using InfluxBackup.Http;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using Microsoft.Extensions.Logging.Abstractions;
using static InfluxBackup.IntegrationTests.Cluster.ClusterOperationTests;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>Ways into a cluster, ways that end at the door, and what its leaders do meanwhile.</summary>
public sealed class MetaNodeClientTests
{
    private static readonly EmulatedAuthentication Authentication = new("root", "Pa55 \"word\"", "users secret", "nodes secret");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string?, string?, string?, string?, bool> Logins => new()
    {
        { null, null, null, null, false },
        { "root", "Pa55 \"word\"", null, null, true },
        { "root", "wrong", null, null, false },
        { "nobody", "Pa55 \"word\"", null, null, false },
        { null, null, "users secret", "root", true },
        { null, null, "users secret", "nobody", false },
        { null, null, "wrong secret", "root", false },
        { null, null, "nodes secret", null, true },
        { null, null, "nodes secret", "", true },
        { null, null, "users secret", "", false },
    };

    [Theory]
    [MemberData(nameof(Logins))]
    public async Task Only_a_right_login_is_let_in_and_a_wrong_one_is_not_repeated_in_the_error(string? user, string? password, string? secret, string? tokenUser, bool isRight)
    {
        await using var cluster = await TestCluster.SampleAsync(o => o with { Authentication = Authentication });
        var options = new MetaNodeOptions
        {
            Credential = user is null ? null : new InfluxCredential(user, password!),
            SharedSecret = secret is null ? null : new SharedSecret(secret),
            UserName = tokenUser,
        };
        var operation = new ClusterOperation(Access(cluster, options), NullLogger.Instance);

        if (isRight)
        {
            // Each node is asked by itself too.
            Assert.True((await operation.ReadAsync(Cancel)).IsHealthy);
            return;
        }

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => operation.ReadAsync(Cancel));
        Assert.Equal(("LoginRefused", ErrorKind.Security), (error.Id, error.Kind));
        Assert.False(error.IsTransient);
        foreach (var hidden in new[] { password, secret }.OfType<string>())
        {
            Assert.DoesNotContain(hidden, error + error.FullMessage, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Tls_is_spoken_to_the_meta_nodes_and_to_the_data_nodes()
    {
        await using var cluster = await TestCluster.SampleAsync(o => o with { UseTls = true, UseTlsOnDataNodes = true, Authentication = Authentication });
        var careless = new MetaNodeOptions { UseTls = true, SkipCertificateCheck = true, Credential = new InfluxCredential("root", "Pa55 \"word\"") };

        var info = await new ClusterOperation(Access(cluster, careless, dataNodeTls: true), NullLogger.Instance).ReadAsync(Cancel);
        Assert.True(info.IsHealthy, string.Join(" ", info.Problems));
        Assert.StartsWith("https://", info.DataNodes[0].HttpUri, StringComparison.Ordinal);

        var careful = new ClusterOperation(Access(cluster, careless with { SkipCertificateCheck = false }, dataNodeTls: true), NullLogger.Instance);
        Assert.Equal("TlsFailed", (await Assert.ThrowsAsync<InfluxBackupException>(() => careful.ReadAsync(Cancel))).Id);
    }

    [Fact]
    public async Task A_data_node_is_no_meta_node()
    {
        await using var cluster = await TestCluster.SampleAsync();
        foreach (var address in new[] { cluster.Cluster.DataNodes[0].Address, cluster.Cluster.DataNodes[0].HttpAddress })
        {
            var access = new ClusterAccess { MetaNodes = [MetaNodeAddress.Parse(address)] };
            var error = await Assert.ThrowsAsync<InfluxBackupException>(() => new ClusterOperation(access, NullLogger.Instance).ReadAsync(Cancel));
            Assert.Equal("NotAMetaNode", error.Id);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commands_survive_the_death_of_the_leader(bool answerIsLost)
    {
        await using var cluster = await TestCluster.EmptyAsync();
        using var meta = Access(cluster).CreateMetaClient(NullLogger.Instance);
        var leader = cluster.Cluster.Leader!;
        if (answerIsLost)
        {
            leader.Faults.AddHttp(Fault.LoseAnswer(), "/execute", times: 1);
        }

        await meta.ExecuteAsync(MetaCommand.CreateDatabase("a"), Cancel);
        await leader.KillAsync();
        await meta.ExecuteAsync(MetaCommand.CreateUser("u", "$2a$10$S6xmRlfVIByWQUi8KHOI.OSVsM7l8Bb8sblROEhJn5d1R6Wm78GEO", false), Cancel);
        await meta.ExecuteAsync(MetaCommand.CreateDatabase("b"), Cancel);

        var metadata = await meta.ReadMetadataAsync(Cancel);
        Assert.Equal(["a", "b"], metadata.Metadata.Databases.Select(d => d.Name));
        Assert.Single(metadata.Metadata.Data.Users);
        Assert.Null(cluster.Cluster.FatalCommand);
    }

    [Fact]
    public async Task A_follower_that_has_not_heard_of_our_change_is_not_believed()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        cluster.Cluster.MetaNodes[1].IsLagging = true;
        using var meta = Access(cluster).CreateMetaClient(NullLogger.Instance);

        await meta.ExecuteAsync(MetaCommand.CreateDatabase("a"), Cancel);
        Assert.Single((await meta.ReadMetadataAsync(Cancel)).Metadata.Databases);
    }

    [Fact]
    public async Task A_shard_is_made_on_its_owner_by_the_coordinator()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var node = cluster.Cluster.DataNodes[0];
        var shard = new ShardKey("d", "p", 7);

        await new CoordinatorClient(Snapshotter.DataNodeAddress.Parse(node.Address), new Snapshotter.SnapshotterOptions()).CreateShardAsync(shard, Cancel);

        Assert.True(Directory.Exists(node.ShardDirectory(shard)));
    }
}
