using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Emulator.Cluster;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary><c>influxbackup cluster</c> and <c>influxbackup shards --meta-node</c>.</summary>
public sealed class ClusterVerbTests
{
    private static readonly EmulatedAuthentication Authentication = new("root", "Pa55w0rd", "users secret", "nodes secret");

    [Fact]
    public async Task A_cluster_is_shown_with_its_nodes()
    {
        await using var cluster = await TestCluster.SampleAsync();

        var run = (await CliProcess.RunAsync(["cluster", .. MetaNodes(cluster)])).Expect(0);

        Assert.Contains("healthy", run.Output, StringComparison.Ordinal);
        Assert.Contains(EmulatedCluster.Version, run.Output, StringComparison.Ordinal);
        Assert.All(cluster.Cluster.DataNodes, n => Assert.Contains(n.Address, run.Output, StringComparison.Ordinal));
        Assert.All(cluster.Cluster.MetaNodes, n => Assert.Contains(n.Address, run.Output, StringComparison.Ordinal));
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task A_cluster_with_a_problem_ends_with_3_and_says_which()
    {
        await using var cluster = await TestCluster.SampleAsync();
        await cluster.Cluster.DataNodes[0].KillAsync();

        var people = (await CliProcess.RunAsync(["cluster", .. MetaNodes(cluster)])).Expect(3);
        Assert.Contains($"problem: Data node {cluster.Cluster.DataNodes[0].Address}", people.Output, StringComparison.Ordinal);
        Assert.Contains("TOO FEW COPIES", people.Output, StringComparison.Ordinal);

        var info = Assert.Single((await CliProcess.RunAsync(["cluster", "--json", .. MetaNodes(cluster)])).Expect(3).OutputObjects);
        Assert.False(info.GetProperty("isHealthy").GetBoolean());
        Assert.NotEqual(0, info.GetProperty("underReplicatedShards").GetArrayLength());
        Assert.Equal(3, info.GetProperty("dataNodes").GetArrayLength());
    }

    [Fact]
    public async Task Shards_of_a_cluster_are_listed_with_their_owners()
    {
        await using var cluster = await TestCluster.SampleAsync();

        var shards = (await CliProcess.RunAsync(["shards", "--json", "--database", "inventory", .. MetaNodes(cluster)])).Expect(0).OutputObjects;
        Assert.NotEmpty(shards);
        Assert.All(shards, s => Assert.Equal(3, s.GetProperty("owners").GetArrayLength()));
        Assert.All(shards, s => Assert.All(s.GetProperty("owners").EnumerateArray(), o => Assert.True(o.GetProperty("size").GetInt64() > 0)));

        Assert.Contains("OWNERS", (await CliProcess.RunAsync(["shards", .. MetaNodes(cluster)])).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_come_from_files_and_variables_and_are_never_shown()
    {
        await using var cluster = await TestCluster.SampleAsync(o => o with { Authentication = Authentication });
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["users"], "users secret\nsecond line\n");
        await File.WriteAllTextAsync(directory["password"], "Pa55w0rd\n");
        string[] verb = ["cluster", "-v", .. MetaNodes(cluster)];

        (await CliProcess.RunAsync([.. verb, "--shared-secret-file", directory["users"], "--user-name", "root"])).Expect(0);
        (await CliProcess.RunAsync([.. verb, "--user-name", "root", "--password-file", directory["password"]])).Expect(0);
        (await CliProcess.RunAsync(new Dictionary<string, string> { ["INFLUXBACKUP_SHARED_SECRET"] = "nodes secret" }, verb)).Expect(0);
        var wrong = (await CliProcess.RunAsync([.. verb, "--json", "--shared-secret-file", directory["users"]])).Expect(1);
        Assert.Equal(["LoginRefused"], wrong.ErrorIds);
        Assert.DoesNotContain("users secret", wrong.Output + wrong.Error, StringComparison.Ordinal);
        Assert.Equal(["PasswordFileUnreadable"], (await CliProcess.RunAsync([.. verb, "--json", "--shared-secret-file", directory["nowhere"]])).Expect(1).ErrorIds);
        Assert.Equal(["PasswordRequired"], (await CliProcess.RunAsync([.. verb, "--json", "--user-name", "root"])).Expect(2).ErrorIds);
    }

    private static string[] MetaNodes(TestCluster cluster) => [.. cluster.Cluster.MetaNodes.SelectMany(n => (string[])["--meta-node", n.Address])];
}
