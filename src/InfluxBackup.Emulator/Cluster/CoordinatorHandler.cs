using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// The service of a cluster's data node for other nodes, as far as writes go. Messages in both directions are
/// <code>
/// type (1 byte)   length (8 bytes, big-endian)   protobuf
/// 1 write         {1 shard id, 2 points (repeated), 3 database, 4 policy}
/// 2 answer        {1 code, 0 is success, 2 text}
/// </code>
/// A write creates the shard where it is missing and database and policy are named; nobody asks whether this node is to own it.
/// Points are not stored here.
/// </summary>
internal sealed class CoordinatorHandler(ShardStore shards, FaultPlan plan, ConcurrentQueue<ReceivedWrite> received)
{
    private const byte WriteRequest = 1;
    private const byte WriteResponse = 2;
    private const int LargestMessage = 64 << 20;

    public async Task ServeAsync(FaultyStream connection, CancellationToken cancel)
    {
        var type = new byte[1];
        var size = new byte[8];
        while (await connection.ReadAsync(type, cancel).ConfigureAwait(false) == 1)
        {
            if (type[0] != WriteRequest)
            {
                continue; // Like a server: the byte is logged, the next one is taken for a type.
            }

            await connection.ReadExactlyAsync(size, cancel).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadInt64BigEndian(size);
            if (length is < 0 or > LargestMessage)
            {
                throw new RequestRefusedException($"makeslice: len out of range: {length}");
            }

            var message = new byte[length];
            await connection.ReadExactlyAsync(message, cancel).ConfigureAwait(false);
            await connection.WriteAsync(Frame(Answer(message, connection)), cancel).ConfigureAwait(false);
            await connection.FinishAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The text of the error; null for success.</summary>
    private string? Answer(byte[] message, FaultyStream connection)
    {
        ReceivedWrite write;
        try
        {
            var fields = ProtoFields.Parse(message);
            if (!fields.Has(1))
            {
                return "proto: required field \"ShardID\" not set";
            }

            write = new ReceivedWrite(fields.Unsigned(1), fields.Has(3) ? fields.Text(3) : "", fields.Has(4) ? fields.Text(4) : "", fields.Texts(2).Count());
        }
        catch (ProtoException e)
        {
            return e.Message;
        }

        received.Enqueue(write);
        var faults = plan.Take(new FaultedRequest(FaultedService.Coordinator, ShardId: write.ShardId));
        connection.Arm(faults);
        if (faults.Find<Fault.HttpError>() is { } refused)
        {
            return refused.Error;
        }

        if (shards.Find(write.ShardId) is null && write.Database.Length > 0 && write.RetentionPolicy.Length > 0)
        {
            shards.Create(new ShardKey(write.Database, write.RetentionPolicy, write.ShardId));
        }

        shards.AddToLog(write.ShardId);

        return null;
    }

    private static byte[] Frame(string? error)
    {
        var text = Encoding.UTF8.GetBytes(error ?? "");
        byte[] body = error is null ? [0x08, 0] : [0x08, 1, 0x12, .. Varint(text.Length), .. text];
        var frame = new byte[9 + body.Length];
        frame[0] = WriteResponse;
        BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(1), body.Length);
        body.CopyTo(frame, 9);
        return frame;
    }

    private static byte[] Varint(int value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];
}
