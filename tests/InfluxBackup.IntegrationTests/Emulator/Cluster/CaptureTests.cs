using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

/// <summary>Answers of a real cluster, given again by the emulated one from the metadata of the real one.</summary>
public sealed class CaptureTests
{
    private static readonly string Captures = Path.Combine(AppContext.BaseDirectory, "Data", "cluster-1.8.11");

    [Fact]
    public async Task The_metadata_are_told_to_the_byte()
    {
        await using var cluster = await CapturedAsync();
        var captured = Data.Parser.ParseFrom(Read("metadata.pb"));
        captured.Index = cluster.Cluster.Metadata.Read().Index;
        Assert.Equal(Google.Protobuf.MessageExtensions.ToByteArray(captured), (await cluster.GetAsync("/?index=0", 2)).Bytes);
    }

    [Fact]
    public async Task Shards_are_listed_to_the_letter()
    {
        await using var cluster = await CapturedAsync();
        Assert.Equal(System.Text.Encoding.UTF8.GetString(Read("show-shards.json")), (await cluster.GetAsync("/show-shards")).Text);
    }

    [Fact]
    public async Task Nodes_are_listed_to_the_letter()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var text = System.Text.Encoding.UTF8.GetString(Read("show-cluster.json"));
        var captured = Data.Parser.ParseFrom(Read("metadata.pb"));
        var own = cluster.Cluster.Metadata.Read();
        foreach (var (node, real) in own.DataNodes.Zip(captured.DataNodes).Concat(own.MetaNodes.Zip(captured.MetaNodes)))
        {
            text = text.Replace($"\"{real.Host}\"", $"\"{node.Host}\"", StringComparison.Ordinal).Replace($"\"{real.TCPHost}\"", $"\"{node.TCPHost}\"", StringComparison.Ordinal);
        }

        Assert.Equal(text, (await cluster.GetAsync("/show-cluster", 1)).Text);
    }

    private static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Captures, name));

    private static async Task<TestCluster> CapturedAsync()
    {
        var cluster = await TestCluster.EmptyAsync();
        cluster.Cluster.Metadata.Edit(data =>
        {
            data.DataNodes.Clear();
            data.MetaNodes.Clear();
            data.MergeFrom(Data.Parser.ParseFrom(Read("metadata.pb")));
        });
        return cluster;
    }
}
