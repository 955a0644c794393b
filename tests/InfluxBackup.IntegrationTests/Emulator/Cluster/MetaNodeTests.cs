using System.Text.Json;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

public sealed class MetaNodeTests
{
    [Fact]
    public async Task Every_meta_node_knows_the_leader_the_nodes_and_the_peers()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var leader = cluster.Cluster.MetaNodes[0];
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(leader.RaftAddress, (await cluster.GetAsync("/ping", i)).Text);
            Assert.Contains($"\"leader\":\"{leader.RaftAddress}\"", (await cluster.GetAsync("/status", i)).Text);
        }

        using var nodes = JsonDocument.Parse((await cluster.GetAsync("/show-cluster")).Text);
        Assert.Equal([4UL, 5UL, 6UL], nodes.RootElement.GetProperty("data").EnumerateArray().Select(n => n.GetProperty("id").GetUInt64()));
        Assert.Equal(cluster.Cluster.DataNodes.Select(n => n.Address), nodes.RootElement.GetProperty("data").EnumerateArray().Select(n => n.GetProperty("tcpAddr").GetString()));
        Assert.Equal(3, JsonDocument.Parse((await cluster.GetAsync("/peers")).Text).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task A_follower_sends_commands_to_the_leader_and_answers_reads_itself()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var redirect = await cluster.ExecuteAsync(Command.CreateDatabase("a"), metaNode: 1);
        Assert.Equal(307, redirect.Status);
        Assert.Empty(redirect.Bytes);
        Assert.Equal($"http://{cluster.Cluster.MetaNodes[0].Address}/execute", redirect.Header("Location"));

        var done = await cluster.ExecuteAsync(Command.CreateDatabase("a"));
        Assert.Equal(200, done.Status);
        var metadata = Data.Parser.ParseFrom((await cluster.GetAsync("/?index=0", 2)).Bytes);
        Assert.Equal([0x08, 0x00, 0x18, (byte)metadata.Index], done.Bytes);
        Assert.Equal((ulong)3, metadata.Databases.Single().RetentionPolicies.Single().ReplicaN);
    }

    [Fact]
    public async Task A_reader_with_the_newest_index_waits_for_the_next_change()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var index = cluster.Cluster.Metadata.Read().Index;
        var waiting = cluster.GetAsync($"/?index={index}", 1);
        await Task.Delay(100);
        Assert.False(waiting.IsCompleted);
        await cluster.ExecuteAsync(Command.CreateDatabase("a"));
        Assert.Equal(index + 1, Data.Parser.ParseFrom((await waiting).Bytes).Index);
    }

    [Fact]
    public async Task A_lagging_follower_tells_what_was_until_it_catches_up()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        cluster.Cluster.MetaNodes[2].IsLagging = true;
        await cluster.ExecuteAsync(Command.CreateDatabase("a"));
        Assert.Empty(Data.Parser.ParseFrom((await cluster.GetAsync("/?index=0", 2)).Bytes).Databases);
        var waiting = cluster.GetAsync($"/?index={cluster.Cluster.Metadata.Read().Index - 1}", 2);
        cluster.Cluster.MetaNodes[2].IsLagging = false;
        Assert.Single(Data.Parser.ParseFrom((await waiting).Bytes).Databases);
    }

    [Fact]
    public async Task A_bad_index_is_an_error_followed_by_the_metadata()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var answer = await cluster.GetAsync("/?index=x");
        Assert.Equal(400, answer.Status);
        Assert.StartsWith("error parsing index\n", answer.Text);
        Assert.Equal(cluster.Cluster.Metadata.ReadBytes(), answer.Bytes[20..]);
    }

    [Fact]
    public async Task While_there_is_no_leader_commands_are_refused_and_nodes_are_not_told()
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { ElectionTime = TimeSpan.FromMinutes(10) });
        await cluster.Cluster.MetaNodes[0].KillAsync();
        Assert.Equal("", (await cluster.GetAsync("/ping", 1)).Text);
        var refused = await cluster.ExecuteAsync(Command.CreateDatabase("a"), 1);
        Assert.Equal((503, """{"error":"no leader"}"""), (refused.Status, refused.Text));
        Assert.Equal("null\n", (await cluster.GetAsync("/peers", 1)).Text);
        Assert.Equal("{\"data\":null,\"meta\":null}\n", (await cluster.GetAsync("/show-cluster", 1)).Text);
    }

    [Fact]
    public async Task A_dead_leader_is_replaced_but_not_by_a_minority()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        await cluster.Cluster.MetaNodes[0].KillAsync();
        await LeaderAsync(cluster);
        Assert.Equal(200, (await cluster.ExecuteAsync(Command.CreateDatabase("a"), 1)).Status);
        Assert.Same(cluster.Cluster.MetaNodes[1], cluster.Cluster.Leader);

        await cluster.Cluster.MetaNodes[2].KillAsync();
        Assert.Equal(503, (await cluster.ExecuteAsync(Command.CreateDatabase("b"), 1)).Status);
        await cluster.Cluster.MetaNodes[2].RestartAsync();
        await LeaderAsync(cluster);
        Assert.Equal(500, (await cluster.GetAsync("/ping?all=true", 2)).Status);
    }

    [Fact]
    public async Task A_lease_is_held_by_one_node_at_a_time()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        Assert.Equal(200, (await cluster.GetAsync("/lease?name=a&nodeid=4")).Status);
        var refused = await cluster.GetAsync("/lease?name=a&nodeid=5");
        Assert.Equal(409, refused.Status);
        Assert.EndsWith("\"owner\":4}", refused.Text);
        Assert.Equal(200, (await cluster.GetAsync("/lease?name=b&nodeid=5")).Status);
        Assert.Equal($"http://{cluster.Cluster.MetaNodes[0].Address}/lease?name=a&nodeid=4", (await cluster.GetAsync("/lease?nodeid=4&name=a", 1)).Header("Location"));
        Assert.Equal((400, "node ID required\n"), ((await cluster.GetAsync("/lease?name=a")).Status, (await cluster.GetAsync("/lease?name=a")).Text));

        cluster.Cluster.ElectLeader(1); // Leases live in the leader's memory.
        Assert.Equal(200, (await cluster.GetAsync("/lease?name=a&nodeid=5", 1)).Status);
    }

    [Fact]
    public async Task Unknown_paths_and_methods_are_refused_as_by_a_server()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        Assert.Equal((404, "404 page not found\n"), ((await cluster.GetAsync("/nope")).Status, (await cluster.GetAsync("/nope")).Text));
        Assert.Equal(400, (await cluster.SendAsync(HttpMethod.Delete, cluster.Cluster.MetaNodes[0].Address, "/ping", null)).Status);
        var ping = await cluster.GetAsync("/ping");
        Assert.Equal("1.8.11-c1.2.0", ping.Header("X-Influxdb-Version"));
        Assert.Equal(cluster.Cluster.Metadata.Read().Index.ToString(System.Globalization.CultureInfo.InvariantCulture), ping.Header("Influxdb-Metaindex"));
        Assert.Equal(ping.Header("Request-Id"), ping.Header("X-Request-Id"));
    }

    [Fact]
    public async Task A_data_node_that_died_is_listed_without_a_version_and_its_shards_are_not_found()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var victim = cluster.Cluster.DataNodes[1];
        await victim.KillAsync();
        using var nodes = JsonDocument.Parse((await cluster.GetAsync("/show-cluster")).Text);
        var node = nodes.RootElement.GetProperty("data")[1];
        Assert.Equal(("joined", "", ""), (node.GetProperty("status").GetString(), node.GetProperty("version").GetString(), node.GetProperty("httpScheme").GetString()));
        using var shards = JsonDocument.Parse((await cluster.GetAsync("/show-shards?verbose=true")).Text);
        var owners = shards.RootElement.EnumerateArray().SelectMany(s => s.GetProperty("owners").EnumerateArray()).ToList();
        Assert.All(owners, o => Assert.Equal(o.GetProperty("id").GetUInt64() == victim.NodeId ? "not found" : "", o.GetProperty("err").GetString()));
        Assert.Contains(owners, o => o.GetProperty("id").GetUInt64() == victim.NodeId);
    }

    [Fact]
    public async Task Nodes_that_died_just_now_are_listed_as_if_they_were_alive()
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { AnnouncementExpiry = TimeSpan.FromMinutes(1) });
        var before = (await cluster.GetAsync("/show-cluster")).Text;
        await cluster.Cluster.DataNodes[1].KillAsync();
        await cluster.Cluster.MetaNodes[2].KillAsync();
        Assert.Equal(before, (await cluster.GetAsync("/show-cluster")).Text);
    }

    private static async Task LeaderAsync(TestCluster cluster)
    {
        for (var i = 0; i < 500 && cluster.Cluster.Leader is null; i++)
        {
            await Task.Delay(10);
        }

        Assert.NotNull(cluster.Cluster.Leader);
    }
}
