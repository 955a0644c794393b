namespace InfluxBackup.Transfer;

/// <summary>One file in a shard archive.</summary>
/// <param name="Name">File name below the shard's directory, forward slashes.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">Modification time on the server, whole seconds.</param>
public sealed record ShardArchiveEntry(string Name, long Size, DateTimeOffset Modified);

/// <summary>What a shard archive was found to hold after it had been read to its end and every check had passed.</summary>
public sealed record ShardArchive
{
    /// <summary>Length of the tar stream in bytes, trailer included.</summary>
    public required long Length { get; init; }

    /// <summary>SHA-256 of the tar stream, lower-case hex; null where the stream was not hashed.</summary>
    public required string? Sha256 { get; init; }

    /// <summary>The files, in the order of the stream.</summary>
    public required IReadOnlyList<ShardArchiveEntry> Entries { get; init; }

    /// <summary>What is odd but not wrong, for instance a tombstone without its TSM file.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Number of TSM files.</summary>
    public int TsmFiles => Entries.Where(e => ShardFileName.IsTsm(e.Name)).Select(e => e.Name).Distinct().Count();

    /// <summary>Names of the tombstone files: deletes that the server has not yet applied to its TSM files.</summary>
    public IEnumerable<string> Tombstones => Entries.Where(e => ShardFileName.IsTombstone(e.Name)).Select(e => e.Name);
}
