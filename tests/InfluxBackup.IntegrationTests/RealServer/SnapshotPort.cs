using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>A shard as the snapshot service lists it.</summary>
public sealed record ShardPath(string Database, string Policy, ulong Id);

/// <summary>
/// The snapshot service by its bare protocol, with what tests and measurements need and no more. It shares no code with
/// the product on purpose: a mistake there cannot hide behind the same mistake here.
/// </summary>
public sealed class SnapshotPort(IPAddress address, int port)
{
    // A mux byte that selects the service, then the type of the request, then one line of JSON.
    private const byte SnapshotterService = 3;
    private const byte ShardBackup = 0;
    private const byte DatabaseInfo = 3;

    public static SnapshotPort Parse(string hostAndPort)
    {
        var end = IPEndPoint.Parse(hostAndPort);
        return new SnapshotPort(end.Address, end.Port);
    }

    /// <summary>The shards that the server has open; of all databases without a name.</summary>
    public async Task<IReadOnlyList<ShardPath>> ListShardsAsync(string database = "", CancellationToken cancel = default)
    {
        using var socket = await RequestAsync(DatabaseInfo, $$"""{"BackupDatabase":{{JsonSerializer.Serialize(database)}}}""", cancel);
        using var stream = new NetworkStream(socket);
        using var answer = await JsonDocument.ParseAsync(stream, cancellationToken: cancel);
        var paths = answer.RootElement.GetProperty("Paths");
        return paths.ValueKind == JsonValueKind.Null ? [] : [.. paths.EnumerateArray().Select(path => Split(path.GetString()!))];
    }

    /// <summary>Asks for a shard's archive and throws it away; gives its length.</summary>
    public async Task<long> ReadShardAsync(ulong shard, Memory<byte> buffer, CancellationToken cancel = default)
    {
        using var socket = await RequestAsync(ShardBackup, $$"""{"ShardID":{{shard}}}""", cancel);
        long length = 0;
        int read;
        while ((read = await socket.ReceiveAsync(buffer, cancel)) > 0)
        {
            length += read;
        }
        return length;
    }

    /// <summary>Turns the write caches of all shards into TSM files: what the server does before it sends a shard.</summary>
    public async Task FlushAsync(CancellationToken cancel = default)
    {
        byte[] buffer = new byte[1 << 16];
        foreach (var shard in await ListShardsAsync(cancel: cancel))
        {
            // No bytes: a flush was under way already. Ask again, for this is to be a barrier.
            for (int attempt = 0; await ReadShardAsync(shard.Id, buffer, cancel) == 0; attempt++)
            {
                if (attempt == 20)
                {
                    throw new IOException($"The server sent nothing for shard {shard.Id}.");
                }
                await Task.Delay(100, cancel);
            }
        }
    }

    private async Task<Socket> RequestAsync(byte type, string json, CancellationToken cancel)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), cancel);
            byte[] request = [SnapshotterService, type, .. Encoding.UTF8.GetBytes(json), (byte)'\n'];
            await socket.SendAsync(request, cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static ShardPath Split(string path)
    {
        string[] parts = path.Split('/', '\\');
        return new ShardPath(parts[0], parts[1], ulong.Parse(parts[2], CultureInfo.InvariantCulture));
    }
}
