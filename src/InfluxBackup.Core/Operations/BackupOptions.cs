using System.IO.Compression;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>What to back up, from where, into which set.</summary>
public sealed record BackupOptions : OperationOptions
{
    public required InfluxAccess Server { get; init; }

    /// <summary>Directory of the backup set; created where there is none.</summary>
    public required string Path { get; init; }

    public ShardSelection Selection { get; init; } = ShardSelection.Everything;

    /// <summary>
    /// Leaves out shards without files modified after this time. A shard that changed is taken whole, so the newest archive of
    /// each shard in the set is always all of it. The server's clock counts, which set the times of the files.
    /// </summary>
    public DateTimeOffset? Since { get; init; }

    public CompressionLevel CompressionLevel { get; init; } = CompressionLevel.Fastest;

    /// <summary>How long to try for the flush of a shard's write cache before the shard is read without it, with a warning.</summary>
    public TimeSpan FlushPatience { get; init; } = TimeSpan.FromSeconds(30);
}
