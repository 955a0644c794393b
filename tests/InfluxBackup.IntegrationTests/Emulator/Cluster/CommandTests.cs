using System.Text;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

public sealed class CommandTests
{
    private const long Week = 7L * 24 * 3_600_000_000_000;
    private const long SomeTime = 1_500_000_000_000_000_000; // 2017-07-14

    [Theory]
    [InlineData(1, 3, "4", "5", "6")]
    [InlineData(2, 3, "4,5", "6,4", "5,6")]
    [InlineData(3, 3, "4,5,6")]
    [InlineData(5, 3, "4,5,6")]
    [InlineData(1, 2, "4", "5")]
    [InlineData(2, 2, "4,5")]
    [InlineData(2, 4, "4,5", "6,7")]
    public async Task Shards_are_spread_so_that_each_node_gets_as_many_copies(int replicas, int dataNodes, params string[] owners)
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { DataNodes = dataNodes });
        await cluster.ExecuteAsync(Command.CreateDatabase("a", "r", 0, Week, replicas));
        while (cluster.Cluster.Metadata.Read().Index % (ulong)dataNodes != 0)
        {
            await cluster.ExecuteAsync(Command.CreateDatabase("")); // Refused, and the index rises all the same.
        }

        Assert.Equal("0800", Convert.ToHexString((await cluster.ExecuteAsync(Command.CreateShardGroup("a", "r", SomeTime))).Bytes)[..4]);
        var group = Policy(cluster).ShardGroups.Single();
        Assert.Equal((1_499_644_800_000_000_000, 1_500_249_600_000_000_000), (group.StartTime, group.EndTime));
        Assert.Equal(owners, group.Shards.Select(s => string.Join(',', s.Owners.Select(o => o.NodeID))));

        await cluster.ExecuteAsync(Command.CreateShardGroup("a", "r", SomeTime + 1));
        Assert.Single(Policy(cluster).ShardGroups);
    }

    [Fact]
    public async Task A_new_group_is_cut_where_its_neighbours_are()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        await cluster.ExecuteAsync(Command.CreateDatabase("a", "r", 0, Week / 7, 1));
        await cluster.ExecuteAsync(Command.CreateShardGroup("a", "r", SomeTime));
        var day = Policy(cluster).ShardGroups.Single();
        await cluster.ExecuteAsync(Command.Of(8, Command.Text(1, "a"), Command.Text(2, "r"), Command.Number(6, Week)));
        await cluster.ExecuteAsync(Command.CreateShardGroup("a", "r", day.EndTime));
        await cluster.ExecuteAsync(Command.CreateShardGroup("a", "r", day.StartTime - 1));
        var ranges = Policy(cluster).ShardGroups.Select(g => (g.ID, g.StartTime, g.EndTime)).ToList();
        Assert.Equal([(3UL, 1_499_644_800_000_000_000, day.StartTime), (1UL, day.StartTime, day.EndTime), (2UL, day.EndTime, 1_500_249_600_000_000_000)], ranges);
    }

    [Theory]
    [InlineData("database not found: nodb", 9, "nodb", "r")]
    [InlineData("retention policy not found: norp", 9, "a", "norp")]
    [InlineData("database not found: nodb", 10, "nodb", "r")]
    public async Task What_is_missing_is_named_and_the_index_rises(string text, int type, string database, string policy)
    {
        await using var cluster = await TestCluster.EmptyAsync();
        await cluster.ExecuteAsync(Command.CreateDatabase("a", "r", 0, Week, 1));
        var index = cluster.Cluster.Metadata.Read().Index;
        var answer = await cluster.ExecuteAsync(Command.Of(type, Command.Text(1, database), Command.Text(2, policy), Command.Number(3, 1)));
        Assert.Equal((200, $"\b\0\x12{(char)text.Length}{text}"), (answer.Status, answer.Text));
        Assert.Equal(index + 1, cluster.Cluster.Metadata.Read().Index);
    }

    [Fact]
    public async Task Policies_that_exist_are_compared()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        await cluster.ExecuteAsync(Command.CreateDatabase("a", "r", 0, Week, 1));
        Assert.Equal("", await ErrorAsync(Command.CreateDatabase("a", "r", 0, Week, 1)));
        Assert.Equal("retention policy conflicts with an existing policy", await ErrorAsync(Command.CreateDatabase("a", "r", 0, Week, 2)));
        Assert.Equal("", await ErrorAsync(Command.Of(5, Command.Text(1, "a"), Command.Bytes(2, Command.Policy("q", 0, 0, 2)))));
        Assert.Equal("retention policy already exists", await ErrorAsync(Command.Of(5, Command.Text(1, "a"), Command.Bytes(2, Command.Policy("q", 0, 0, 3)))));
        Assert.Equal("replication factor must be greater than 0", await ErrorAsync(Command.Of(5, Command.Text(1, "a"), Command.Bytes(2, Command.Policy("p", 0, 0, 0)))));
        Assert.Equal("retention policy duration must be greater than the shard duration", await ErrorAsync(Command.Of(5, Command.Text(1, "a"), Command.Bytes(2, Command.Policy("p", Week / 2, Week, 1)))));
        var database = cluster.Cluster.Metadata.Read().Databases.Single();
        Assert.Equal(("r", 2, Week), (database.DefaultRetentionPolicy, database.RetentionPolicies.Count, database.RetentionPolicies[1].ShardGroupDuration));
        await ErrorAsync(Command.Of(8, Command.Text(1, "a"), Command.Text(2, "q"), Command.Number(7, 1)));
        Assert.Equal("q", cluster.Cluster.Metadata.Read().Databases.Single().DefaultRetentionPolicy);

        async Task<string> ErrorAsync(byte[] command)
        {
            var bytes = (await cluster.ExecuteAsync(command)).Bytes;
            return bytes[2] == 0x12 ? Encoding.UTF8.GetString(bytes.AsSpan(4)) : "";
        }
    }

    [Fact]
    public async Task Users_come_with_their_hashes_and_grants_need_both_sides()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        await cluster.ExecuteAsync(Command.CreateDatabase("a"));
        await cluster.ExecuteAsync(Command.Of(13, Command.Text(1, "ü"), Command.Text(2, "$2a$10$x"), Command.Number(3, 0)));
        Assert.Contains("user already exists", (await cluster.ExecuteAsync(Command.Of(13, Command.Text(1, "ü"), Command.Text(2, "h"), Command.Number(3, 0)))).Text);
        Assert.Contains("database not found: b", (await cluster.ExecuteAsync(Command.Of(16, Command.Text(1, "ü"), Command.Text(2, "b"), Command.Number(3, 1)))).Text);
        Assert.Contains("user not found", (await cluster.ExecuteAsync(Command.Of(16, Command.Text(1, "u"), Command.Text(2, "a"), Command.Number(3, 1)))).Text);
        await cluster.ExecuteAsync(Command.Of(16, Command.Text(1, "ü"), Command.Text(2, "a"), Command.Number(3, 3)));
        await cluster.ExecuteAsync(Command.Of(18, Command.Text(1, "ü"), Command.Number(2, 1)));
        var user = cluster.Cluster.Metadata.Read().Users.Single();
        Assert.Equal(("$2a$10$x", true, "a", 3), (user.Hash, user.Admin, user.Privileges.Single().Database, user.Privileges.Single().Privilege));
        Assert.Equal("{\"users\":[{\"name\":\"ü\",\"hash\":\"$2a$10$x\"}]}\n", (await cluster.GetAsync("/user", 1)).Text);

        await cluster.ExecuteAsync(Command.Of(4, Command.Text(1, "a")));
        Assert.Empty(cluster.Cluster.Metadata.Read().Users.Single().Privileges);
    }

    [Theory]
    [InlineData("08", "unable to unmarshal command: unexpected EOF")]
    [InlineData("", "unable to unmarshal command: proto: required field \\\"type\\\" not set")]
    [InlineData("0809ea06060a027231", "unable to unmarshal command: unexpected EOF")]
    public async Task What_is_no_command_is_refused(string command, string text)
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var answer = await cluster.ExecuteAsync(Convert.FromHexString(command), 1);
        Assert.Equal((400, $$"""{"error":"{{text}}"}"""), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("0807da060d0a0272311207617574", false)] // SetDefaultRetentionPolicy has a number, but nobody carries it out.
    [InlineData("0807da06090a0272311203617574", true)]
    [InlineData("0814", true)]
    [InlineData("0803", true)]
    [InlineData("0809ea06040a027231", true)]
    public async Task A_command_that_nobody_knows_kills_all_meta_nodes_for_good(string command, bool isWellFormed)
    {
        await using var cluster = await TestCluster.EmptyAsync();
        if (!isWellFormed)
        {
            Assert.Equal(400, (await cluster.ExecuteAsync(Convert.FromHexString(command))).Status);
            return;
        }

        await Assert.ThrowsAsync<HttpRequestException>(() => cluster.ExecuteAsync(Convert.FromHexString(command)));
        Assert.NotNull(cluster.Cluster.FatalCommand);
        await cluster.Cluster.MetaNodes[1].RestartAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => cluster.GetAsync("/ping", 1));
    }

    [Fact]
    public async Task Dropping_and_deleting_leave_the_files_where_they_are()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var node = cluster.Cluster.DataNodes[0];
        var files = Directory.GetFiles(node.DataDirectory, "*", SearchOption.AllDirectories).Length;
        await cluster.ExecuteAsync(Command.Of(4, Command.Text(1, ClusterSample.ReplicatedTwice)));
        Assert.DoesNotContain(cluster.Cluster.Metadata.Read().Databases, d => d.Name == ClusterSample.ReplicatedTwice);
        Assert.Equal(files, Directory.GetFiles(node.DataDirectory, "*", SearchOption.AllDirectories).Length);
    }

    private static RetentionPolicyInfo Policy(TestCluster cluster) => cluster.Cluster.Metadata.Read().Databases.Single().RetentionPolicies.Single();
}
