using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

/// <summary>What a client saw of an answer: its bytes, and whether the connection ended in a reset instead of a close.</summary>
internal sealed record Answer(byte[] Bytes, bool WasReset);

/// <summary>A client of bare sockets, so that the emulator is measured against the protocol and not against our client.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private RawClient(int port) => socket.Connect(IPAddress.Loopback, port);

    public static RawClient Connect(EmulatedDataNode node) => new(node.Port);

    /// <summary>The same request to any server, for comparisons.</summary>
    public static async Task<Answer> AskAsync(int port, byte[] request)
    {
        using var client = new RawClient(port);
        client.Send(request);
        return await client.ReadToEndAsync();
    }

    /// <summary>One request in one write, and the whole answer.</summary>
    public static async Task<Answer> AskAsync(EmulatedDataNode node, byte[] request, bool halfClose = false)
    {
        using var client = Connect(node);
        client.Send(request);
        if (halfClose)
        {
            client.FinishSending();
        }

        return await client.ReadToEndAsync();
    }

    public static Task<Answer> AskAsync(EmulatedDataNode node, SnapshotterRequest request) => AskAsync(node, request.ToBytes());

    /// <summary>An upload as the official client makes it: header and tar, half close, wait.</summary>
    public static Task<Answer> UploadAsync(EmulatedDataNode node, ulong shard, byte[] tar) => AskAsync(node, UploadOf(shard, tar), halfClose: true);

    public static byte[] UploadOf(ulong shard, byte[] tar)
    {
        var header = new byte[10];
        header[0] = SnapshotterProtocol.MuxHeader;
        header[1] = (byte)SnapshotterRequestType.ShardUpdate;
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(2), shard);
        return [.. header, .. tar];
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    public void FinishSending() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with a reset.</summary>
    public void Abort()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    public async Task<Answer> ReadToEndAsync()
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            for (int read; (read = await socket.ReceiveAsync(buffer, limit.Token)) > 0;)
            {
                all.Write(buffer, 0, read);
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return new Answer(all.ToArray(), true);
        }

        return new Answer(all.ToArray(), false);
    }

    /// <summary>What arrives until nothing comes for a while; a busy machine has time for what must come.</summary>
    /// <param name="silence">The while.</param>
    /// <param name="expected">Bytes that must come.</param>
    public async Task<byte[]> ReadUntilSilenceAsync(TimeSpan silence, int expected = 0)
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            using var limit = new CancellationTokenSource(all.Length < expected ? Patience : silence);
            try
            {
                var read = await socket.ReceiveAsync(buffer, limit.Token);
                Assert.True(read > 0, "The connection was closed.");
                all.Write(buffer, 0, read);
            }
            catch (OperationCanceledException)
            {
                return all.ToArray();
            }
        }
    }

    public void Dispose() => socket.Dispose();
}
