using System.Buffers.Binary;
using Google.Protobuf;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cluster;

/// <summary>
/// The service through which data nodes of a cluster talk to each other. It shares its port with the backup service:
/// <code>
/// 02                    mux header: the coordinator
/// 01 | length | WriteShardRequest        answered by
/// 02 | length | WriteShardResponse       lengths are 8 bytes, big-endian
/// </code>
/// </summary>
public sealed class CoordinatorClient(DataNodeAddress address, SnapshotterOptions options)
{
    private const byte MuxHeader = 2;
    private const byte WriteShard = 1;
    private const byte WriteShardAnswer = 2;
    private const int HeadLength = 9;
    private const int LargestAnswer = 64 << 10;

    public DataNodeAddress Address => address;

    /// <summary>
    /// Makes sure that the node has the shard on its disk, empty where it had none, by a write without points. A node takes an upload
    /// only into a shard that it has, and of a new shard in the metadata it learns with the first write.
    /// </summary>
    /// <exception cref="InfluxBackupException">The node can't be reached, or refuses.</exception>
    public async Task CreateShardAsync(ShardKey shard, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(shard);
        var request = new WriteShardRequest { ShardID = shard.Id, Database = shard.Database, RetentionPolicy = shard.RetentionPolicy };
        var connection = await SnapshotterConnection.OpenAsync(address, options, cancel).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await connection.WriteAsync(Message(request), cancel).ConfigureAwait(false);
            var answer = await ReadAnswerAsync(connection, shard, cancel).ConfigureAwait(false);
            if (answer.Code != 0)
            {
                throw Refused(shard, answer.Message.Length > 0 ? answer.Message : $"code {answer.Code}");
            }
        }
    }

    private static byte[] Message(WriteShardRequest request)
    {
        var body = request.ToByteArray();
        var message = new byte[1 + HeadLength + body.Length];
        message[0] = MuxHeader;
        message[1] = WriteShard;
        BinaryPrimitives.WriteInt64BigEndian(message.AsSpan(2), body.Length);
        body.CopyTo(message, 1 + HeadLength);
        return message;
    }

    private async Task<WriteShardResponse> ReadAnswerAsync(SnapshotterConnection connection, ShardKey shard, CancellationToken cancel)
    {
        try
        {
            var head = new byte[HeadLength];
            await connection.ReadExactlyAsync(head, cancel).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(1));
            if (head[0] != WriteShardAnswer || length is < 0 or > LargestAnswer)
            {
                throw NotACoordinator(null);
            }

            var body = new byte[length];
            await connection.ReadExactlyAsync(body, cancel).ConfigureAwait(false);
            return WriteShardResponse.Parser.ParseFrom(body);
        }
        catch (EndOfStreamException e)
        {
            throw new InfluxBackupException(
                "CoordinatorSilent", ErrorKind.Connection, $"Data node {address} closed the connection without an answer to the request to create {shard}.", e)
            {
                Subject = address.ToString(),
                Remedy = "Look at the node's log for lines with service=cluster. A single server has no such service; only nodes of a cluster do.",
                IsTransient = true,
            };
        }
        catch (InvalidProtocolBufferException e)
        {
            throw NotACoordinator(e);
        }
    }

    private InfluxBackupException Refused(ShardKey shard, string why) =>
        new("ShardCreationRefused", ErrorKind.Connection, $"Data node {address} refuses to create {shard}: {why}.")
        {
            Subject = address.ToString(),
            IsTransient = true,
        };

    private InfluxBackupException NotACoordinator(Exception? inner) =>
        new("NotADataNode", ErrorKind.Connection, $"What listens on {address} is not a data node of a cluster.", inner)
        {
            Subject = address.ToString(),
            Remedy = $"A data node's TCP address is bind-address in its configuration, by default port {DataNodeAddress.DefaultPort}.",
        };
}
