using InfluxBackup.Emulator;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

public sealed class ClusterFaultTests
{
    [Fact]
    public async Task An_error_is_answered_instead_as_often_as_wanted()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var rule = cluster.Cluster.MetaNodes[0].Faults.AddHttp(Fault.Answer(503, "server closed"), "/show-shards", from: 2, times: 1);
        Assert.Equal(200, (await cluster.GetAsync("/show-shards")).Status);
        Assert.Equal((503, """{"error":"server closed"}"""), ((await cluster.GetAsync("/show-shards")).Status, await RestAsync()));
        Assert.Equal(1, cluster.Cluster.MetaNodes[0].Faults.Hits(rule));

        async Task<string> RestAsync()
        {
            cluster.Cluster.MetaNodes[0].Faults.AddHttp(Fault.Answer(503, "server closed"), "/peers");
            return (await cluster.GetAsync("/peers")).Text;
        }
    }

    [Fact]
    public async Task A_command_whose_answer_is_lost_was_carried_out()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        cluster.Cluster.MetaNodes[0].Faults.AddHttp(Fault.LoseAnswer(), command: 3, times: 1);
        await Assert.ThrowsAsync<HttpRequestException>(() => cluster.ExecuteAsync(Command.CreateDatabase("a")));
        Assert.Single(cluster.Cluster.Metadata.Read().Databases);
        Assert.Equal(200, (await cluster.ExecuteAsync(Command.CreateDatabase("b"))).Status);
        Assert.Equal([3, 3], cluster.Cluster.MetaNodes[0].Requests.Select(r => r.Command ?? 0));
    }

    [Fact]
    public async Task An_answer_can_be_cut_delayed_or_reset()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var faults = cluster.Cluster.MetaNodes[0].Faults;
        faults.AddHttp(Fault.CutAfter(400), "/", times: 1);
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.GetAsync("/?index=0"));
        faults.AddHttp(Fault.Reset(), "/", times: 1);
        await Assert.ThrowsAsync<HttpRequestException>(() => cluster.GetAsync("/?index=0"));
        var stall = faults.AddHttp(Fault.Stall(afterBytes: 10), "/ping");
        var stalled = cluster.GetAsync("/ping");
        for (var i = 0; i < 500 && faults.Hits(stall) == 0; i++)
        {
            await Task.Delay(10);
        }

        Assert.False(stalled.IsCompleted);
        faults.Clear();
        await Assert.ThrowsAsync<HttpRequestException>(() => stalled);
        Assert.Equal(200, (await cluster.GetAsync("/ping")).Status);
    }
}
