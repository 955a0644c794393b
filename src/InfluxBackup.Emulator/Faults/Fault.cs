namespace InfluxBackup.Emulator;

/// <summary>
/// One way in which a node misbehaves. Bytes of a response count from its first byte; bytes of an upload count what follows
/// the request (type 6: the metadata, type 7: the tar stream).
/// </summary>
public abstract record Fault
{
    private Fault()
    {
    }

    /// <summary>The connection is closed after so many bytes of the response.</summary>
    public static Fault CutAfter(long bytes) => new Cut(bytes);

    /// <summary>The connection is closed after so many bytes of an upload were read; the client, still sending, sees a reset.</summary>
    public static Fault CutUploadAfter(long bytes) => new CutUpload(bytes);

    /// <summary>After so many bytes of the response nothing more happens, until the plan is cleared or the node stopped. A shorter response is sent but never ended.</summary>
    public static Fault Stall(long afterBytes = 0) => new StallResponse(afterBytes);

    /// <summary>The connection is reset after so many bytes of the response, or instead of its end.</summary>
    public static Fault Reset(long afterBytes = 0) => new ResetConnection(afterBytes);

    /// <summary>The tar stream ends with one zero block, or with none.</summary>
    public static Fault ShortTrailer(int zeroBlocks = 1) => new Trailer(zeroBlocks);

    /// <summary>Another magic number at the beginning of a metastore backup or of the answer to a metastore update.</summary>
    public static Fault WrongMagic() => new Magic();

    /// <summary>Response and upload move at this speed.</summary>
    public static Fault Slow(int bytesPerSecond) => new Throttle(bytesPerSecond);

    /// <summary>No byte, and the connection is closed: a cache flush is running, as servers before 1.8 answer.</summary>
    public static Fault Busy() => new SnapshotInProgress();

    /// <summary>The shard is dropped while it is sent: so many files arrive, then a correct trailer, and the shard is gone from metadata and directory.</summary>
    public static Fault DropShardDuring(int filesSent = 1) => new DropShard(filesSent);

    /// <summary>The upload is read to its end and ended like a successful one, but nothing of it is stored.</summary>
    public static Fault IgnoreUpload() => new DiscardUpload();

    /// <summary>One byte of the response is another one; later bytes are right.</summary>
    public static Fault CorruptByte(long offset) => new Corrupt(offset);

    /// <summary>A metastore update is confirmed with a good id map, yet a database is missing afterwards: another client overwrote the metadata.</summary>
    /// <param name="database">The missing database, one that was there before or an imported one; the first imported one if null.</param>
    public static Fault ImportLosesDatabase(string? database = null) => new LoseDatabase(database);

    /// <summary>An HTTP request is answered with this status and error, and not carried out.</summary>
    public static Fault Answer(int status, string error) => new HttpError(status, error);

    /// <summary>An HTTP request is carried out, but the connection is closed before the answer.</summary>
    public static Fault LoseAnswer() => new Cut(0);

    internal sealed record HttpError(int Status, string Error) : Fault;

    internal sealed record Cut(long Bytes) : Fault;

    internal sealed record CutUpload(long Bytes) : Fault;

    internal sealed record StallResponse(long Bytes) : Fault;

    internal sealed record ResetConnection(long Bytes) : Fault;

    internal sealed record Trailer(int ZeroBlocks) : Fault;

    internal sealed record Magic : Fault;

    internal sealed record Throttle(int BytesPerSecond) : Fault;

    internal sealed record SnapshotInProgress : Fault;

    internal sealed record DropShard(int FilesSent) : Fault;

    internal sealed record DiscardUpload : Fault;

    internal sealed record Corrupt(long Offset) : Fault;

    internal sealed record LoseDatabase(string? Database) : Fault;
}
