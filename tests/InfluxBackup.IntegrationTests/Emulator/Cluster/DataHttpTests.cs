using System.Text;
using InfluxBackup.Emulator;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

/// <summary>Expected answers are those that a real cluster gave to the same requests.</summary>
public sealed class DataHttpTests
{
    private const string Lines = "cpu,host=a\\ b,dc=x f=1.5,i=3i,b=true,s=\"t\" 1500000000000000000\ncpu,host=c f=2 1500000000000000001";

    [Fact]
    public async Task A_point_that_was_written_is_found_through_every_node()
    {
        await using var cluster = await WrittenAsync();
        const string select = """SELECT "f"::field FROM "r2"."autogen"."cpu" WHERE time = 1500000000000000000 AND "host"::tag = 'a b' GROUP BY *;SELECT "f"::field FROM "r2"."autogen"."cpu" WHERE time >= 1 AND time <= 5 LIMIT 1""";
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(
                """{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"dc":"x","host":"a b"},"columns":["time","f"],"values":[[1500000000000000000,1.5]]}]},{"statement_id":1}]}""" + "\n",
                await QueryAsync(cluster, select, i));
        }

        Assert.Equal(
            """{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"dc":"","host":"c"},"columns":["time","f"],"values":[[1500000000000000001,2]]},{"name":"cpu","tags":{"dc":"x","host":"a b"},"columns":["time","f"],"values":[[1500000000000000000,1.5]]}]}]}""" + "\n",
            await QueryAsync(cluster, """SELECT "f"::field FROM "r2"."autogen"."cpu" WHERE time >= 1 AND time <= 1500000000000000009 GROUP BY *"""));
        Assert.Equal(2, cluster.Cluster.OwnersOf(1).Count);
    }

    [Fact]
    public async Task Fields_files_users_and_the_state_of_anti_entropy_are_told()
    {
        await using var cluster = await WrittenAsync();
        Assert.Equal(
            """{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["fieldKey","fieldType"],"values":[["b","boolean"],["f","float"],["i","integer"],["s","string"]]}]}]}""" + "\n",
            await QueryAsync(cluster, """SHOW FIELD KEYS ON "r2" FROM "autogen"./.*/"""));
        Assert.Equal("""{"results":[{"statement_id":0,"error":"database not found: none"}]}""" + "\n", await QueryAsync(cluster, """SHOW FIELD KEYS ON "none" FROM "autogen"./.*/"""));
        Assert.Equal("""{"results":[{"statement_id":0,"series":[{"columns":["user","admin"]}]}]}""" + "\n", await QueryAsync(cluster, "SHOW USERS"));
        Assert.Equal("""{"results":[{"statement_id":0,"series":[{"name":"config-ae","columns":["enabled"],"values":[[false]]}]}]}""" + "\n", await QueryAsync(cluster, "SHOW DIAGNOSTICS FOR 'config-ae'"));
        var shard = cluster.Cluster.ShardOf("r2", "autogen", "cpu,host=c", 1_500_000_000_000_000_001);
        var owner = cluster.Cluster.OwnersOf(shard.Id)[0];
        Assert.Contains(
            $"\"columns\":[\"diskBytes\",\"numFiles\"],\"values\":[[{Directory.GetFiles(owner.ShardDirectory(shard)).Sum(f => new FileInfo(f).Length)},1]]",
            await QueryAsync(cluster, "SHOW STATS FOR 'tsm1_filestore'", cluster.Cluster.DataNodes.ToList().IndexOf(owner)));
        Assert.Contains("error parsing query", await QueryAsync(cluster, "nonsense"));
    }

    [Theory]
    [InlineData("db=none&rp=autogen", "cpu f=1", 404, "database not found: \\\"none\\\"")]
    [InlineData("db=r2&rp=none", "cpu f=1", 500, "retention policy not found: none")]
    [InlineData("rp=autogen", "cpu f=1", 400, "database is required")]
    [InlineData("db=r2&consistency=bad", "cpu f=1", 400, "invalid consistency level")]
    [InlineData("db=r2", "cpu f", 400, "unable to parse 'cpu f': invalid field format")]
    [InlineData("db=r2&rp=short", "cpu f=1 1500000000000000000", 400, "partial write: points beyond retention policy dropped=1")]
    public async Task A_refused_write_says_why(string query, string line, int status, string error)
    {
        await using var cluster = await WrittenAsync();
        var answer = await WriteAsync(cluster, query, line);
        Assert.Equal((status, $$"""{"error":"{{error}}"}"""), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task A_point_of_another_type_is_refused()
    {
        await using var cluster = await WrittenAsync();
        var answer = await WriteAsync(cluster, "db=r2", "cpu,host=c f=1i 1500000000000000001");
        Assert.Equal(500, answer.Status);
        Assert.Contains("field type conflict: input field \\\"f\\\" on measurement \\\"cpu\\\" is type integer, already exists as type float dropped=1", answer.Text);
    }

    [Fact]
    public async Task A_write_to_all_fails_while_an_owner_is_down_and_one_to_any_does_not()
    {
        await using var cluster = await WrittenAsync();
        var shard = cluster.Cluster.ShardOf("r2", "autogen", "cpu,host=c", 1_500_000_000_000_000_001);
        var owners = cluster.Cluster.OwnersOf(shard.Id);
        await owners[1].KillAsync();
        var through = cluster.Cluster.DataNodes.ToList().IndexOf(owners[0]);
        Assert.Equal((500, """{"error":"partial write"}"""), (await StatusAsync("all"), (await WriteAsync(cluster, "db=r2&consistency=all", "cpu,host=c f=3 1500000000000000001", through)).Text));
        Assert.Equal((500, 204, 204), (await StatusAsync("quorum"), await StatusAsync("one"), await StatusAsync("any")));
        Assert.Equal((3.0, 2.0), (Value(owners[0]), Value(owners[1])));

        async Task<int> StatusAsync(string level) => (await WriteAsync(cluster, $"db=r2&consistency={level}", "cpu,host=c f=3 1500000000000000001", through)).Status;
        object Value(EmulatedDataNode node) => node.ReadPoints(shard)[("cpu,host=c", "f", 1_500_000_000_000_000_001)];
    }

    [Fact]
    public async Task Credentials_are_asked_for_except_for_a_ping()
    {
        await using var cluster = await TestCluster.EmptyAsync(o => o with { Authentication = new EmulatedAuthentication(), AntiEntropy = true });
        var node = cluster.Cluster.DataNodes[0].HttpAddress;
        Assert.Equal(204, (await cluster.SendAsync(HttpMethod.Get, node, "/ping", null)).Status);
        Assert.Equal(401, (await cluster.SendAsync(HttpMethod.Get, node, "/query?q=SHOW+USERS", null)).Status);
        Assert.Contains("[[\"admin\",true]]", (await cluster.SendAsync(HttpMethod.Get, node, "/query?q=SHOW+USERS&u=admin&p=admin", null)).Text);
        Assert.Contains("[[true]]", (await cluster.SendAsync(HttpMethod.Get, node, "/query?q=SHOW+DIAGNOSTICS+FOR+%27config-ae%27&u=admin&p=admin", null)).Text);
    }

    private static async Task<TestCluster> WrittenAsync()
    {
        var cluster = await TestCluster.EmptyAsync();
        await cluster.ExecuteAsync(Command.CreateDatabase("r2", "autogen", 0, 0, 2));
        await cluster.ExecuteAsync(Command.Of(5, Command.Text(1, "r2"), Command.Bytes(2, Command.Policy("short", 3_600_000_000_000, 0, 1))));
        Assert.Equal(204, (await WriteAsync(cluster, "db=r2&rp=autogen&consistency=all", Lines)).Status);
        return cluster;
    }

    private static Task<HttpAnswer> WriteAsync(TestCluster cluster, string query, string lines, int node = 0) =>
        cluster.SendAsync(HttpMethod.Post, cluster.Cluster.DataNodes[node].HttpAddress, $"/write?{query}", Encoding.UTF8.GetBytes(lines));

    private static async Task<string> QueryAsync(TestCluster cluster, string statement, int node = 0) =>
        (await cluster.SendAsync(HttpMethod.Get, cluster.Cluster.DataNodes[node].HttpAddress, $"/query?epoch=ns&q={Uri.EscapeDataString(statement)}", null)).Text;
}
