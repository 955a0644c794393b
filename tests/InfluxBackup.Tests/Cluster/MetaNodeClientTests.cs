using System.Text;
using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.Cluster;

/// <summary>What a client makes of nodes that answer well.</summary>
public sealed class MetaNodeClientTests
{
    private static readonly MetaNodeOptions Options = new() { Timeout = TimeSpan.FromSeconds(10), Patience = TimeSpan.FromSeconds(5) };

    [Fact]
    public async Task The_nodes_of_a_cluster_are_read()
    {
        await using var node = new MetaNodeStub(_ => Captured("show-cluster.json")) { AnswersAll = true };
        using var client = Client(Options, node.Address);

        var nodes = await client.ReadNodesAsync(default);

        Assert.Equal("/show-cluster", node.Requests.Single().Target);
        Assert.Equal([4, 5, 6], nodes.DataNodes.Select(n => n.Id));
        Assert.Equal(new ClusterDataNode(4, "127.0.0.1:33188", "127.0.0.1:33086", "http", "joined", "1.8.11-c1.2.0"), nodes.DataNodes[0]);
        Assert.Equal(new ClusterMetaNode(1, "127.0.0.1:33091", "http", "127.0.0.1:33191", "1.8.11-c1.2.0"), nodes.MetaNodes[0]);
    }

    [Fact]
    public async Task A_cluster_without_nodes_and_shards_answers_null_and_that_is_an_empty_list()
    {
        await using var node = new MetaNodeStub(r => MetaStubAnswer.Text(r.Target == "/show-shards" ? "null" : """{"data":null,"meta":null}""")) { AnswersAll = true };
        using var client = Client(Options, node.Address);

        Assert.Empty((await client.ReadNodesAsync(default)).DataNodes);
        Assert.Empty(await client.ReadShardsAsync(false, default));
    }

    [Fact]
    public async Task The_copies_of_each_shard_are_read_with_state_time_and_size()
    {
        await using var node = new MetaNodeStub(_ => Captured("show-shards-verbose.json"));
        using var client = Client(Options, node.Address);

        var shards = await client.ReadShardsAsync(true, default);

        Assert.Equal("/show-shards?verbose=true", node.Requests.Single().Target);
        var first = shards[0];
        Assert.Equal(new ShardKey("c_r1", "autogen", 1), first.Key);
        Assert.Equal((1u, 1ul), (first.ReplicaN, first.GroupId));
        Assert.Equal((1499644800000000000, 1500249600000000000), (first.Start, first.End));
        Assert.Null(first.Expires);
        Assert.Null(first.TruncatedAt);
        // To the nanosecond: 18:25:56.11753654.
        Assert.Equal(new ShardOwnerState(5, "127.0.0.1:33189", "hot", 1795199156117536540, 5382, null), first.Owners.Single());
    }

    [Fact]
    public async Task What_nobody_asked_for_or_nobody_told_is_not_known_rather_than_zero()
    {
        await using var node = new MetaNodeStub(r => Captured(r.Target == "/show-shards" ? "show-shards.json" : "node-down/show-shards-verbose.json"));
        using var client = Client(Options, node.Address);

        var plain = (await client.ReadShardsAsync(false, default))[0].Owners.Single();
        Assert.Equal(new ShardOwnerState(5, "127.0.0.1:33189", null, null, null, null), plain);

        var down = (await client.ReadShardsAsync(true, default)).SelectMany(s => s.Owners).Where(o => o.NodeId == 6).ToList();
        Assert.NotEmpty(down);
        Assert.All(down, o => Assert.Equal(("not found", null, null), (o.Error, o.Size, o.LastModified)));
    }

    [Fact]
    public async Task The_newest_metadata_of_all_nodes_are_taken()
    {
        await using var behind = new MetaNodeStub(_ => MetadataAt(33));
        await using var ahead = new MetaNodeStub(_ => MetadataAt(34));
        using var client = Client(Options, behind.Address, ahead.Address);

        var metadata = await client.ReadMetadataAsync(default);

        Assert.Equal(34ul, metadata.Index);
        Assert.Contains("c_r2", metadata.Metadata.Databases.Select(d => d.Name));
        Assert.Equal("/?index=0", ahead.Requests.Single().Target);
    }

    [Fact]
    public async Task Metadata_are_never_older_than_the_last_change_of_this_client()
    {
        await using var node = new MetaNodeStub(r => r.Method == "POST" ? MetaStubAnswer.Done(40) : MetadataAt(40));
        using var client = Client(Options, node.Address);

        await client.ExecuteAsync(MetaCommand.CreateDatabase("d"), default);
        await client.ReadMetadataAsync(default);

        // The node itself waits until its index is above the one given.
        Assert.Equal("/?index=39", node.Requests.Last().Target);
    }

    [Fact]
    public async Task Metadata_are_never_older_than_those_that_this_client_has_seen()
    {
        await using var node = new MetaNodeStub(_ => MetadataAt(40));
        using var client = Client(Options, node.Address);

        await client.ReadMetadataAsync(default);
        await client.ReadMetadataAsync(default);

        Assert.Equal("/?index=39", node.Requests.Last().Target);
    }

    [Fact]
    public async Task Nodes_of_two_clusters_are_not_mixed()
    {
        await using var one = new MetaNodeStub(_ => MetadataAt(34));
        await using var other = new MetaNodeStub(_ => MetadataAt(35, clusterId: 7));
        using var client = Client(Options, one.Address, other.Address);

        Assert.Equal("MetaNodesDiffer", (await Assert.ThrowsAsync<InfluxBackupException>(() => client.ReadMetadataAsync(default))).Id);
    }

    [Fact]
    public async Task A_slow_node_is_not_waited_for_when_another_has_answered()
    {
        var forever = new TaskCompletionSource<MetaStubAnswer>();
        await using var slow = new MetaNodeStub(_ => forever.Task);
        await using var quick = new MetaNodeStub(_ => MetadataAt(34));
        using var client = Client(Options with { Timeout = TimeSpan.FromMinutes(5) }, slow.Address, quick.Address);

        Assert.Equal(34ul, (await client.ReadMetadataAsync(default).WaitAsync(TimeSpan.FromSeconds(30))).Index);
        forever.SetResult(MetaStubAnswer.Lost);
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(409, false)]
    public async Task A_lease_is_had_or_not(int status, bool taken)
    {
        await using var node = new MetaNodeStub(_ => new MetaStubAnswer(status, """{"name":"a b","expiration":"2026-11-21T01:01:02Z","owner":4}"""u8.ToArray()));
        using var client = Client(Options, node.Address);

        Assert.Equal(taken, await client.TryTakeLeaseAsync("a b", 4, default));
        Assert.Equal("/lease?name=a%20b&nodeid=4", node.Requests.Single().Target);
    }

    [Fact]
    public async Task The_leader_is_named_as_the_nodes_name_it()
    {
        var leader = "127.0.0.1:33191";
        await using var node = new MetaNodeStub(_ => MetaStubAnswer.Text(leader));
        using var client = Client(Options, node.Address);

        Assert.Equal("127.0.0.1:33191", await client.ReadLeaderAsync(default));
        leader = "";
        Assert.Null(await client.ReadLeaderAsync(default));
    }

    [Fact]
    public async Task Each_request_says_who_we_are()
    {
        await using var node = new MetaNodeStub(_ => Captured("show-cluster.json")) { AnswersAll = true };
        using var anonymous = Client(Options, node.Address);
        using var basic = Client(Options with { Credential = new InfluxCredential("root", "Pa55 \"word\"") }, node.Address);
        using var signed = Client(Options with { Credential = new InfluxCredential("root", "x"), SharedSecret = new SharedSecret("s"), UserName = "root" }, node.Address);

        await anonymous.ReadNodesAsync(default);
        await basic.ReadNodesAsync(default);
        await signed.ReadNodesAsync(default);

        var sent = node.Requests.Select(r => r.Authorization).ToList();
        Assert.Null(sent[0]);
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("root:Pa55 \"word\"")), sent[1]);
        Assert.StartsWith("Bearer ", sent[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_is_named_by_its_nodes()
    {
        using var one = Client(Options, new MetaNodeAddress("a", 8091));
        using var two = Client(Options, new MetaNodeAddress("a", 8091), new MetaNodeAddress("::1", 1));

        Assert.Equal("meta node a:8091", one.Name);
        Assert.Equal("meta nodes a:8091, [::1]:1", two.Name);
    }

    internal static MetaNodeClient Client(MetaNodeOptions options, params MetaNodeAddress[] nodes) => new(nodes, options, NullLogger.Instance);

    internal static MetaStubAnswer Captured(string name) => new(200, File.ReadAllBytes(Path.Combine(TestData.Directory, "cluster-1.8.11", name)));

    internal static MetaStubAnswer MetadataAt(ulong index, ulong? clusterId = null, UserInfo? user = null)
    {
        var data = Data.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(TestData.Directory, "cluster-1.8.11", "metadata.pb")));
        data.Index = index;
        data.ClusterID = clusterId ?? data.ClusterID;
        if (user is not null)
        {
            data.Users.Add(user);
        }

        return new MetaStubAnswer(200, Google.Protobuf.MessageExtensions.ToByteArray(data));
    }
}
