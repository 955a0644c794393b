using System.Buffers.Binary;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// The snapshotter service of one data node, servers 1.5 to 1.12: one method a request. The server never sends an error
/// text, it closes the connection; where that leaves the cause open, the errors here name the possible ones.
/// </summary>
public sealed class SnapshotterClient(DataNodeAddress address, SnapshotterOptions options)
{
    /// <summary>The metadata of large servers have a few megabytes; more than this is not metadata.</summary>
    private const int LargestMetadata = 512 << 20;

    private const int LargestShardList = 256 << 20;

    /// <summary>An empty range far in the past: the server flushes the write cache, then has nothing to send.</summary>
    private static readonly (string Start, string End) NoTimeAtAll = ("1700-01-01T00:00:00Z", "1700-01-02T00:00:00Z");

    public DataNodeAddress Address => address;

    /// <summary>The server's whole metadata.</summary>
    /// <exception cref="InfluxBackupException">The node can't be reached or is not what is expected on this port; see <see cref="SnapshotterDiagnosis"/>.</exception>
    public async Task<MetastoreBackup> ReadMetastoreAsync(CancellationToken cancel)
    {
        byte[] answer;
        try
        {
            answer = await AskAsync(new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup).ToBytes(), LargestMetadata, cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e) when (e.Id == "ConnectionBroken")
        {
            throw SnapshotterDiagnosis.NotASnapshotter(address, e);
        }

        return MetastoreBackup.HasMagic(answer)
            ? MetastoreBackup.Parse(answer, $"data node {address}")
            : throw await new SnapshotterDiagnosis(address, options).ExplainAsync(answer, cancel).ConfigureAwait(false);
    }

    /// <summary>The shards that are open on this node, all or those of a database or of a policy; null where the node does not know the name.</summary>
    public async Task<IReadOnlyList<ShardKey>?> ReadShardsAsync(string? database, string? retentionPolicy, CancellationToken cancel)
    {
        var request = retentionPolicy is null
            ? new SnapshotterRequest(SnapshotterRequestType.DatabaseInfo) { BackupDatabase = database ?? "" }
            : new SnapshotterRequest(SnapshotterRequestType.RetentionPolicyInfo)
            {
                BackupDatabase = database ?? throw new ArgumentException("A policy needs its database.", nameof(database)),
                BackupRetentionPolicy = retentionPolicy,
            };
        var answer = await AskAsync(request.ToBytes(), LargestShardList, cancel).ConfigureAwait(false);
        return answer.Length == 0 ? null : ShardPathList.Parse(answer, $"data node {address}");
    }

    /// <summary>Opens the tar stream of a shard's files, or of those modified after a time. An empty stream is a refusal.</summary>
    public async Task<Stream> OpenShardAsync(ulong id, DateTimeOffset? since, CancellationToken cancel)
    {
        var request = new SnapshotterRequest(SnapshotterRequestType.ShardBackup)
        {
            ShardId = id,
            Since = since is { } time ? SnapshotterRequest.Time(time) : SnapshotterRequest.ZeroTime,
        };
        return await SendAsync(request.ToBytes(), cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Flush barrier: true says that every point acknowledged before the call is in the shard's TSM files. A plain shard backup
    /// does not promise that: when a flush is already running, servers from 1.8 on leave the cache out without a word. The
    /// export request fails instead, so one with an empty range proves the flush. (With a tombstone in the shard the server
    /// breaks the answer off after its first bytes; the flush was done by then, so any byte at all is the proof.)
    /// </summary>
    public async Task<bool> FlushAsync(ulong id, CancellationToken cancel)
    {
        var request = new SnapshotterRequest(SnapshotterRequestType.ShardExport)
        {
            ShardId = id,
            ExportStart = NoTimeAtAll.Start,
            ExportEnd = NoTimeAtAll.End,
        };
        var stream = await SendAsync(request.ToBytes(), cancel).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var total = 0;
            var buffer = new byte[16 * 1024];
            for (int read; (read = await stream.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
            {
                total += read;
            }

            return total > 0;
        }
    }

    /// <summary>
    /// Adds the databases of <paramref name="metadata"/> to the server, each under its own name. Returns uploaded shard id to
    /// new shard id; an empty map leaves open whether anything was done (see <see cref="ShardIdMap"/>).
    /// </summary>
    /// <param name="metadata">A metadata protobuf with exactly the wanted databases, policies, groups and shards.</param>
    /// <param name="onlyDatabase">The one database in it. Must be given for <c>_internal</c>, which servers skip otherwise.</param>
    public async Task<IReadOnlyDictionary<ulong, ulong>> ImportMetadataAsync(ReadOnlyMemory<byte> metadata, string? onlyDatabase, CancellationToken cancel)
    {
        var request = new SnapshotterRequest(SnapshotterRequestType.MetastoreUpdate)
        {
            BackupDatabase = onlyDatabase ?? "",
            RestoreDatabase = onlyDatabase ?? "",
            UploadSize = metadata.Length,
        };
        var answer = await AskAsync(request.ToBytes(metadata.Span), LargestShardList, cancel).ConfigureAwait(false);
        return ShardIdMap.Parse(answer, $"Data node {address}");
    }

    /// <summary>
    /// Begins an upload into a shard. The server locks the shard until the upload ends, so everything must be at hand before;
    /// dispose without <see cref="ShardUpload.CompleteAsync"/> resets the connection and frees the shard.
    /// </summary>
    public async Task<ShardUpload> BeginUploadAsync(ulong id, CancellationToken cancel)
    {
        var connection = await SnapshotterConnection.OpenAsync(address, options, cancel).ConfigureAwait(false);
        var header = new byte[10];
        header[0] = SnapshotterProtocol.MuxHeader;
        header[1] = (byte)SnapshotterRequestType.ShardUpdate;
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(2), id);
        return new ShardUpload(connection, header, id, address);
    }

    private async Task<SnapshotterConnection> SendAsync(byte[] request, CancellationToken cancel)
    {
        var connection = await SnapshotterConnection.OpenAsync(address, options, cancel).ConfigureAwait(false);
        try
        {
            await connection.WriteAsync(request, cancel).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<byte[]> AskAsync(byte[] request, int limit, CancellationToken cancel)
    {
        var connection = await SendAsync(request, cancel).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            return await connection.ReadToEndAsync(limit, cancel).ConfigureAwait(false);
        }
    }
}
