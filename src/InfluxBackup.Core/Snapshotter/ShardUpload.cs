namespace InfluxBackup.Snapshotter;

/// <summary>
/// A shard update under way: <c>03 07 | shard id | tar stream</c>, then the client's half close, then the server's close once the
/// shard is open again. The server answers nothing at all: the end of the connection is the only sign that it is done, and
/// it is the same for success and for most failures, so the shard has to be looked at afterwards.
/// </summary>
public sealed class ShardUpload : IAsyncDisposable
{
    private readonly SnapshotterConnection connection;
    private readonly ulong id;
    private readonly DataNodeAddress address;
    private byte[]? header;
    private bool ended;

    internal ShardUpload(SnapshotterConnection connection, byte[] header, ulong id, DataNodeAddress address)
    {
        this.connection = connection;
        this.header = header;
        this.id = id;
        this.address = address;
    }

    /// <summary>Bytes of the tar stream sent so far.</summary>
    public long Sent { get; private set; }

    /// <summary>Sends the next bytes of the tar stream.</summary>
    /// <exception cref="InfluxBackupException">The server does not take them; a reset means that it has no such shard open.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        try
        {
            if (header is { } first)
            {
                // One write for header and first bytes: servers before 1.8.8 take what one read gives them for the whole header.
                header = null;
                byte[] joined = [.. first, .. bytes.Span];
                await connection.WriteAsync(joined, cancel).ConfigureAwait(false);
            }
            else
            {
                await connection.WriteAsync(bytes, cancel).ConfigureAwait(false);
            }
        }
        catch (InfluxBackupException e) when (e.Id == "ConnectionBroken")
        {
            throw Refused(e);
        }

        Sent += bytes.Length;
    }

    /// <summary>Ends the upload and waits until the server has opened the shard again.</summary>
    public async Task CompleteAsync(CancellationToken cancel)
    {
        try
        {
            await connection.FinishWritingAsync(cancel).ConfigureAwait(false);
            _ = await connection.ReadToEndAsync(1024, cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e) when (e.Id == "ConnectionBroken")
        {
            throw Refused(e);
        }

        ended = true;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!ended)
        {
            connection.Abort();
        }

        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private InfluxBackupException Refused(Exception inner) =>
        new("ShardUploadRefused", ErrorKind.Connection, $"Data node {address} broke off the upload into its shard {id} after {Sent} bytes.", inner)
        {
            Subject = address.ToString(),
            Remedy = "The server may have stopped, or have no such shard open; its log has lines with service=snapshot.",
            IsTransient = true,
        };
}
