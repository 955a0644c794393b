using System.Buffers.Binary;
using System.Text.Json;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>A request as it came in.</summary>
/// <param name="Type">The type byte.</param>
/// <param name="ShardId">The shard that it is about, for types 0, 5 and 7.</param>
/// <param name="Body">The JSON; null for a shard update, which has none.</param>
/// <param name="Rest">Bytes that were read together with the JSON and follow it.</param>
internal sealed record IncomingRequest(SnapshotterRequestType Type, ulong? ShardId, SnapshotterRequest? Body, ReadOnlyMemory<byte> Rest);

/// <summary>Reads requests with the reads that a server makes, because what they leave unread decides how a connection ends.</summary>
internal static class RequestReader
{
    /// <summary>Go's JSON decoder asks for so many bytes at once.</summary>
    private const int JsonReadSize = 512;

    private const int LargestJson = 1 << 20;

    /// <summary>What follows the type byte.</summary>
    public static async Task<IncomingRequest> ReadAsync(Stream connection, SnapshotterRequestType type, CancellationToken cancel)
    {
        if (type == SnapshotterRequestType.ShardUpdate)
        {
            var id = new byte[8];
            await connection.ReadExactlyAsync(id, cancel).ConfigureAwait(false);
            return new IncomingRequest(type, BinaryPrimitives.ReadUInt64BigEndian(id), null, default);
        }

        var (json, rest) = await ReadJsonAsync(connection, cancel).ConfigureAwait(false);
        var body = ParseBody(type, json);
        var shard = type is SnapshotterRequestType.ShardBackup or SnapshotterRequestType.ShardExport ? body.ShardId : (ulong?)null;
        return new IncomingRequest(type, shard, body, rest);
    }

    /// <summary>One JSON value, and what was read beyond it.</summary>
    public static async Task<(ReadOnlyMemory<byte> Json, ReadOnlyMemory<byte> Beyond)> ReadJsonAsync(Stream connection, CancellationToken cancel)
    {
        var buffer = new byte[JsonReadSize];
        for (var fill = 0; ;)
        {
            if (buffer.Length - fill < JsonReadSize)
            {
                Array.Resize(ref buffer, (2 * buffer.Length) + JsonReadSize);
            }

            var read = await connection.ReadAsync(buffer.AsMemory(fill), cancel).ConfigureAwait(false);
            if (read == 0 || fill > LargestJson)
            {
                throw new RequestRefusedException("read request: unexpected EOF");
            }

            fill += read;
            if (LengthOfValue(buffer.AsSpan(0, fill)) is { } length)
            {
                return (buffer.AsMemory(0, length), buffer.AsMemory(length, fill - length));
            }
        }
    }

    private static SnapshotterRequest ParseBody(SnapshotterRequestType type, ReadOnlyMemory<byte> json)
    {
        try
        {
            var body = SnapshotterRequest.Parse(type, json);
            foreach (var time in new[] { body.Since, body.ExportStart, body.ExportEnd })
            {
                _ = GoTime.Parse(time); // Go's JSON reader refuses a bad time, also where it is of no use.
            }

            return body;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new RequestRefusedException($"read request: {e.Message}");
        }
    }

    private static int? LengthOfValue(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
            return reader.Read() && reader.TrySkip() ? (int)reader.BytesConsumed : null;
        }
        catch (JsonException e)
        {
            throw new RequestRefusedException($"read request: {e.Message}");
        }
    }
}

/// <summary>The server closes the connection without an answer; the message is what it logs.</summary>
internal sealed class RequestRefusedException(string message) : Exception(message);
