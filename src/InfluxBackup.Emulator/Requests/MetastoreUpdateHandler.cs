using Google.Protobuf;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>
/// Type 6: adds the databases of uploaded metadata. Whatever a rule forbids is answered by an empty id map, and so is success
/// with databases that have no shards.
/// </summary>
internal sealed class MetastoreUpdateHandler(EmulatedMetadata metadata, ShardStore shards, EmulatorLog log, bool singleRead) : IRequestHandler
{
    private const int LargestUpload = 256 << 20;
    private static readonly Dictionary<ulong, ulong> Nothing = [];

    public async Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel)
    {
        var payload = await ReadPayloadAsync(request, connection, cancel).ConfigureAwait(false);
        var ids = Import(request.Body!, payload, faults.Find<Fault.LoseDatabase>());
        await connection.WriteAsync(ShardIdMap.ToBytes(ids), cancel).ConfigureAwait(false);
    }

    /// <summary>The payload after the one byte that stands for the newline. What does not arrive stays zero.</summary>
    private async Task<ReadOnlyMemory<byte>> ReadPayloadAsync(IncomingRequest request, FaultyStream connection, CancellationToken cancel)
    {
        if (request.Body!.UploadSize is <= 0 or > LargestUpload)
        {
            return default;
        }

        var bytes = new byte[request.Body.UploadSize + 1];
        var fill = Math.Min(request.Rest.Length, bytes.Length);
        request.Rest[..fill].CopyTo(bytes);
        connection.AddReceived(Math.Max(0, fill - 1));
        if (!singleRead)
        {
            await connection.ReadAtLeastAsync(bytes.AsMemory(fill), bytes.Length - fill, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        }
        else if (fill > 0 && fill < bytes.Length)
        {
            // The defect up to 1.8.7: one read for all the rest, and none at all when not even the newline came with the JSON.
            _ = await connection.ReadAsync(bytes.AsMemory(fill), cancel).ConfigureAwait(false);
        }

        return bytes.AsMemory(1);
    }

    private Dictionary<ulong, ulong> Import(SnapshotterRequest body, ReadOnlyMemory<byte> payload, Fault.LoseDatabase? lose)
    {
        MetadataImport? import = null;
        try
        {
            var uploaded = Data.Parser.ParseFrom(payload.Span);
            metadata.Edit(data =>
            {
                import = new MetadataImport(data, uploaded);
                import.Run(body.BackupDatabase, body.RestoreDatabase, body.BackupRetentionPolicy, body.RestoreRetentionPolicy);
            });
        }
        catch (InvalidProtocolBufferException e)
        {
            log.Add($"failed to decode meta: {e.Message}");
            return Nothing;
        }
        catch (MetadataImportException e)
        {
            log.Add(e.Message);
            return Nothing;
        }

        foreach (var shard in import!.Databases.SelectMany(ShardsOf))
        {
            shards.Create(shard);
        }

        if (lose is not null && (lose.Database ?? (import.Databases is [var first, ..] ? first.Name : null)) is { } lost)
        {
            metadata.Edit(data => data.Databases.Remove(data.Databases.First(d => d.Name == lost)));
        }

        return import.ShardIds;
    }

    private static IEnumerable<ShardKey> ShardsOf(DatabaseInfo database) =>
        from policy in database.RetentionPolicies
        from shardGroup in policy.ShardGroups
        from shard in shardGroup.Shards
        select new ShardKey(database.Name, policy.Name, shard.ID);
}
