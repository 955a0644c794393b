using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

/// <summary>The node as a whole: multiplexer, kinds, life and death, TLS.</summary>
public sealed class NodeTests
{
    private static readonly byte[] OldRequest = [3, .. "{\"Type\":1,\"Database\":\"\",\"RetentionPolicy\":\"\",\"ShardID\":0,\"Since\":\"0001-01-01T00:00:00Z\"}\n"u8];

    [Fact]
    public async Task An_unknown_mux_byte_resets_the_connection()
    {
        await using var test = await TestNode.EmptyAsync();
        var answer = await RawClient.AskAsync(test.Node, "GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        Assert.Equal((0, true), (answer.Bytes.Length, answer.WasReset));
        Assert.Contains(test.Node.Log, line => line.Contains("handler not registered: 71", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_sends_nothing_is_closed_after_the_timeout()
    {
        await using var test = await TestNode.EmptyAsync(o => o with { MuxTimeout = TimeSpan.FromMilliseconds(100) });
        using var client = RawClient.Connect(test.Node);
        Assert.False((await client.ReadToEndAsync()).WasReset);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    [InlineData(255)]
    public async Task Types_that_no_server_answers_are_closed_without_a_byte(byte type)
    {
        await using var test = await TestNode.EmptyAsync();
        var answer = await RawClient.AskAsync(test.Node, [3, type, .. "{}\n"u8]);
        Assert.Equal((0, false), (answer.Bytes.Length, answer.WasReset));
    }

    [Theory]
    [InlineData("{\"ShardID\":-1}\n")]
    [InlineData("{\"ShardID\":\"1\"}\n")]
    [InlineData("{\"ShardID\":2,\"ExportEnd\":\"yesterday\"}\n")]
    [InlineData("rubbish\n")]
    [InlineData("\"text\"\n")]
    public async Task A_request_that_can_not_be_read_is_closed_without_a_byte(string json)
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await RawClient.AskAsync(test.Node, [3, 0, .. System.Text.Encoding.UTF8.GetBytes(json)]);
        Assert.Empty(answer.Bytes);
        Assert.Single(test.Node.Log);
    }

    [Fact]
    public async Task A_request_may_come_in_pieces()
    {
        await using var test = await TestNode.SampleAsync();
        using var client = RawClient.Connect(test.Node);
        foreach (var piece in new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = 2 }.ToBytes().Chunk(60))
        {
            client.Send(piece);
            await Task.Delay(5);
        }

        Assert.True(TarArchive.IsComplete((await client.ReadToEndAsync()).Bytes));
    }

    [Fact]
    public async Task The_old_form_is_not_answered_by_a_new_server()
    {
        await using var test = await TestNode.SampleAsync();
        Assert.Empty((await RawClient.AskAsync(test.Node, OldRequest)).Bytes);
    }

    [Fact]
    public async Task An_old_server_answers_the_old_form_and_not_the_new_one()
    {
        await using var test = await TestNode.SampleAsync(o => o with { Kind = EmulatedNodeKind.Server14 });
        Assert.Empty((await RawClient.AskAsync(test.Node, new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup))).Bytes);
        var answer = await RawClient.AskAsync(test.Node, OldRequest);
        Assert.Equal(test.Node.Metadata.ReadBytes(), MetastoreBackup.Parse(answer.Bytes, "test").Metadata.ToArray());
    }

    [Fact]
    public async Task An_http_port_takes_everything_for_a_bad_request()
    {
        await using var test = await TestNode.EmptyAsync(o => o with { Kind = EmulatedNodeKind.HttpPort });
        var answer = await RawClient.AskAsync(test.Node, new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup));
        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", System.Text.Encoding.ASCII.GetString(answer.Bytes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kill_ends_running_answers_without_a_trailer()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.Stall(afterBytes: 1000));
        using var client = RawClient.Connect(test.Node);
        client.Send(new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = 2 }.ToBytes());
        Assert.Equal(1000, (await client.ReadUntilSilenceAsync(TimeSpan.FromMilliseconds(100), expected: 1000)).Length);
        await test.Node.KillAsync();
        Assert.Empty((await client.ReadToEndAsync()).Bytes);
        Assert.Throws<SocketException>(() => RawClient.Connect(test.Node).Dispose());
    }

    [Fact]
    public async Task A_stop_lets_a_running_answer_finish()
    {
        await using var test = await TestNode.SampleAsync();
        var good = (await ShardBackupTests.BackupAsync(test.Node, 2)).Bytes;
        test.Node.Faults.Add(Fault.Slow(good.Length * 2));
        var backup = ShardBackupTests.BackupAsync(test.Node, 2);
        await Task.Delay(100);
        await test.Node.StopAsync();
        Assert.Equal(good, (await backup).Bytes);
    }

    [Fact]
    public async Task A_restart_keeps_address_and_faults()
    {
        await using var test = await TestNode.SampleAsync();
        var address = test.Node.Address;
        test.Node.Faults.Add(Fault.Busy(), shardId: 3);
        await test.Node.KillAsync();
        await test.Node.RestartAsync();
        Assert.Equal(address, test.Node.Address);
        Assert.Empty((await ShardBackupTests.BackupAsync(test.Node, 3)).Bytes);
        Assert.NotEmpty((await ShardBackupTests.BackupAsync(test.Node, 2)).Bytes);
    }

    [Fact]
    public async Task More_connections_than_allowed_wait_for_their_turn()
    {
        await using var test = await TestNode.SampleAsync(o => o with { MaxConnections = 2 });
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => ShardBackupTests.BackupAsync(test.Node, (ulong)(i % 8) + 1)));
        Assert.All(answers, a => Assert.True(TarArchive.IsComplete(a.Bytes)));
        Assert.InRange(test.Node.PeakConnections, 1, 2);
        Assert.Equal(12, test.Node.Requests.Count);
        await test.Node.WaitUntilIdleAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Over_tls_answers_are_the_same_and_end_in_order()
    {
        await using var test = await TestNode.SampleAsync(o => o with { UseTls = true });
        var options = new SnapshotterOptions { UseTls = true, SkipCertificateCheck = true };
        await using var connection = await SnapshotterConnection.OpenAsync(DataNodeAddress.Parse(test.Node.Address), options, TestContext.Current.CancellationToken);
        await connection.WriteAsync(new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup).ToBytes(), TestContext.Current.CancellationToken);
        var answer = await connection.ReadToEndAsync(1 << 20, TestContext.Current.CancellationToken);
        Assert.Equal(test.Node.Metadata.ReadBytes(), MetastoreBackup.Parse(answer, "test").Metadata.ToArray());
    }

    [Fact]
    public async Task Over_tls_the_certificate_names_loopback()
    {
        await using var test = await TestNode.EmptyAsync(o => o with { UseTls = true });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", test.Node.Port, TestContext.Current.CancellationToken);
        var errors = SslPolicyErrors.None;
        await using var tls = new SslStream(tcp.GetStream(), false, (_, _, _, e) =>
        {
            errors = e;
            return e == SslPolicyErrors.RemoteCertificateChainErrors; // Nobody vouches for it, but the name is right.
        });
        await tls.AuthenticateAsClientAsync("localhost");
        Assert.Equal(SslPolicyErrors.RemoteCertificateChainErrors, errors);
        Assert.Equal(test.Node.Certificate!.Thumbprint, tls.RemoteCertificate!.GetCertHashString());
    }

    [Fact]
    public async Task Over_tls_an_upload_ends_with_the_half_close()
    {
        await using var test = await TestNode.SampleAsync(o => o with { UseTls = true });
        var options = new SnapshotterOptions { UseTls = true, SkipCertificateCheck = true };
        var cancel = TestContext.Current.CancellationToken;
        var watch = Stopwatch.StartNew();
        await using var connection = await SnapshotterConnection.OpenAsync(DataNodeAddress.Parse(test.Node.Address), options, cancel);
        await connection.WriteAsync(RawClient.UploadOf(2, TarArchive.Create(("demo/daily/2/000000009-000000001.tsm", ShardUpdateTests.Tsm(test.Node)))), cancel);
        await connection.FinishWritingAsync(cancel);
        Assert.Empty(await connection.ReadToEndAsync(10, cancel));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
        Assert.True(File.Exists(Path.Combine(test.Node.DataDirectory, "demo", "daily", "2", "000000009-000000001.tsm")));
    }
}
