using System.Buffers.Binary;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

public sealed class DataNodeTests
{
    [Fact]
    public async Task A_write_without_points_creates_the_shard_that_an_upload_needs()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var node = cluster.Cluster.DataNodes[1];
        var key = new ShardKey("a", "r", 9);
        var refused = await RawClient.UploadAsync(node, 9, new byte[1 << 20]);
        Assert.True(refused.WasReset);
        Assert.Equal("020000000000000002" + "0800", await WriteAsync(node, Write(9, "", "")));
        Assert.Null(node.FindShard(9));
        Assert.Equal("020000000000000002" + "0800", await WriteAsync(node, Write(9, "a", "r")));
        Assert.Equal(key, node.FindShard(9));
        Assert.Equal(new ReceivedWrite(9, "a", "r", 0), node.CoordinatorRequests[^1]);
        Assert.False((await RawClient.UploadAsync(node, 9, new byte[1024])).WasReset);
    }

    [Fact]
    public async Task A_write_without_a_shard_is_refused()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var answer = await WriteAsync(cluster.Cluster.DataNodes[0], Convert.FromHexString("1a0161"));
        Assert.Equal("0802" + "proto: required field \"ShardID\" not set", "0802" + Encoding.UTF8.GetString(Convert.FromHexString(answer)[13..]));
    }

    [Fact]
    public async Task A_node_lists_the_shards_that_it_has_and_tells_the_metadata_of_all()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var all = ServerMetadata.Parse(cluster.Cluster.Metadata.ReadBytes(), "cluster").Shards.Where(s => !s.IsDeleted).ToList();
        foreach (var node in cluster.Cluster.DataNodes)
        {
            var list = Encoding.UTF8.GetString((await RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.DatabaseInfo))).Bytes);
            var own = all.Where(s => cluster.Cluster.OwnersOf(s.Key.Id).Contains(node)).ToList();
            Assert.NotEqual(all.Count, own.Count);
            Assert.All(all, s => Assert.Equal(own.Contains(s), list.Contains(JsonEncodedText.Encode($"{s.Key.RetentionPolicy}/{s.Key.Id}").Value, StringComparison.Ordinal) || list.Contains($"{s.Key.RetentionPolicy}/{s.Key.Id}", StringComparison.Ordinal)));
            var backup = (await RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup))).Bytes;
            Assert.Equal(cluster.Cluster.Metadata.ReadBytes(), backup[16..^13]);
        }
    }

    [Fact]
    public async Task The_port_of_the_backup_service_also_answers_http()
    {
        await using var cluster = await TestCluster.EmptyAsync();
        var node = cluster.Cluster.DataNodes[0];
        var status = await cluster.SendAsync(HttpMethod.Get, node.Address, "/status", null);
        Assert.Equal(
            $$"""{"nodeType":"data","hostname":"127.0.0.1","tcpBind":":{{node.Port}}","tcpAddr":"{{node.Address}}","httpAddr":"{{node.HttpAddress}}","nodeStatus":"joined","metaAddrs":["{{string.Join("\",\"", cluster.Cluster.MetaNodes.Select(n => n.Address))}}"]}"""
            + "\n", status.Text);
        Assert.Equal((200, ""), ((await cluster.SendAsync(HttpMethod.Get, node.Address, "/other", null)).Status, (await cluster.SendAsync(HttpMethod.Get, node.Address, "/other", null)).Text));
        Assert.Equal(204, (await cluster.SendAsync(HttpMethod.Get, node.HttpAddress, "/ping", null)).Status);
    }

    [Fact]
    public async Task An_import_of_metadata_succeeds_and_leaves_shards_without_owners()
    {
        await using var source = await TestCluster.SampleAsync();
        await using var cluster = await TestCluster.SampleAsync();
        var upload = source.Cluster.Metadata.ReadBytes();
        var request = new SnapshotterRequest(SnapshotterRequestType.MetastoreUpdate)
        {
            BackupDatabase = ClusterSample.NotReplicated,
            RestoreDatabase = "broken",
            UploadSize = upload.Length,
        };
        await RawClient.AskAsync(cluster.Cluster.DataNodes[0], [.. request.ToBytes(), .. upload], halfClose: true);
        var broken = cluster.Cluster.Metadata.Read().Databases.Single(d => d.Name == "broken").RetentionPolicies.Single().ShardGroups.SelectMany(g => g.Shards).ToList();
        Assert.NotEmpty(broken);
        Assert.All(broken, s => Assert.Empty(s.Owners));
        Assert.Contains(cluster.Cluster.DataNodes[0].Requests, r => r.Type == SnapshotterRequestType.MetastoreUpdate);
    }

    [Fact]
    public async Task A_dropped_shard_is_gone_from_all_nodes()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var shard = cluster.Cluster.DataNodes[0].FindShard(1) is not null ? cluster.Cluster.DataNodes[0] : cluster.Cluster.DataNodes[1];
        shard.DropShard(1);
        Assert.All(cluster.Cluster.DataNodes, n => Assert.Null(n.FindShard(1)));
        Assert.DoesNotContain(cluster.Cluster.Metadata.Read().Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards), s => s.ID == 1);
    }

    [Fact]
    public async Task A_restarted_node_has_its_port_its_id_and_its_shards_again()
    {
        await using var cluster = await TestCluster.SampleAsync();
        var node = cluster.Cluster.DataNodes[2];
        var (id, port, http) = (node.NodeId, node.Port, node.HttpPort);
        var shards = Directory.GetFiles(node.DataDirectory, "*.tsm", SearchOption.AllDirectories).Length;
        await node.KillAsync();
        Assert.False(node.IsRunning);
        await node.RestartAsync();
        Assert.Equal((id, port, http, true), (node.NodeId, node.Port, node.HttpPort, node.IsRunning));
        Assert.Equal(shards, Directory.GetFiles(node.DataDirectory, "*.tsm", SearchOption.AllDirectories).Length);
        Assert.Equal(204, (await cluster.SendAsync(HttpMethod.Get, node.HttpAddress, "/ping", null)).Status);
    }

    [Fact]
    public async Task All_connections_to_a_node_share_its_bandwidth()
    {
        await using var cluster = await TestCluster.SampleAsync(o => o with { DataNodes = 1, BytesPerSecond = 1_000_000 });
        var node = cluster.Cluster.DataNodes[0];
        var shard = cluster.Cluster.ShardOf(ClusterSample.ReplicatedThrice, "autogen", "noise", ClusterSample.Start);
        var random = new Random(1);
        node.AddPoints(shard, Enumerable.Range(0, 20_000).Select(i => new EmulatedPoint("noise", "f", ClusterSample.Start + random.Next(), random.NextDouble())));

        var clock = System.Diagnostics.Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = shard.Id })));
        var bytes = answers.Sum(a => a.Bytes.Length);
        Assert.True(bytes > 300_000);
        Assert.True(clock.Elapsed.TotalSeconds > 0.9 * ((bytes / 1e6) - 0.02), $"{bytes} bytes took {clock.Elapsed}.");
    }

    private static byte[] Write(ulong shard, string database, string policy)
    {
        byte[] message =
        [
            .. Command.Number(1, (long)shard), .. database.Length > 0 ? Command.Text(3, database) : [], .. policy.Length > 0 ? Command.Text(4, policy) : [],
        ];
        return message;
    }

    private static async Task<string> WriteAsync(EmulatedDataNode node, byte[] message)
    {
        var frame = new byte[10];
        (frame[0], frame[1]) = (2, 1);
        BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(2), message.Length);
        return Convert.ToHexString((await RawClient.AskAsync(node, [.. frame, .. message], halfClose: true)).Bytes);
    }
}
