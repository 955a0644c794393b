using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

public enum FindingSeverity
{
    /// <summary>Odd, but nothing is lost by it.</summary>
    Warning,

    /// <summary>Something of the backup can't be restored as it is.</summary>
    Error,
}

/// <summary>One thing that a test found: what is wrong, where, and what of the user's data it touches.</summary>
/// <param name="Severity">Error or warning.</param>
/// <param name="Check">Id of the check, for instance <c>ArchiveHashMismatch</c> or <c>TsmBlockChecksum</c>. It stays the same from version to version.</param>
/// <param name="File">Path of the file.</param>
/// <param name="Database">Database that it touches, where known.</param>
/// <param name="RetentionPolicy">Policy that it touches, where known.</param>
/// <param name="ShardId">Shard that it touches, where known.</param>
/// <param name="Message">What is wrong.</param>
public sealed record TestFinding(
    FindingSeverity Severity, string Check, string File, string? Database, string? RetentionPolicy, ulong? ShardId, string Message)
{
    /// <summary>The file inside of the archive, for instance <c>000000001-000000001.tsm</c>.</summary>
    public string? Entry { get; init; }

    /// <summary>Where in <see cref="Entry"/>, or in the file (of an archive: in its tar stream) where there is none; bytes from the start.</summary>
    public long? Offset { get; init; }

    /// <summary>Series key, for instance <c>cpu,host=a</c>; null where it is not one series that is touched.</summary>
    public string? Series { get; init; }

    public string? Field { get; init; }

    /// <summary>UTC. First time that may be touched, rounded down to 100 ns; that of the shard where nothing nearer is known.</summary>
    public DateTime? StartTime { get; init; }

    /// <summary>UTC. Last time that may be touched.</summary>
    public DateTime? EndTime { get; init; }
}

/// <summary>What a test of one backup came to.</summary>
public sealed record TestResult
{
    /// <summary>Directory of the set.</summary>
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    /// <summary>Complete: everything is sound. Partial: some shards are. Failed: nothing can be relied on.</summary>
    public required Outcome Outcome { get; init; }

    public bool IsSound => Outcome == Outcome.Complete;

    public required IReadOnlyList<TestFinding> Findings { get; init; }

    /// <summary>Shards in which nothing wrong was found.</summary>
    public int ShardCount { get; init; }

    public int FailedShardCount { get; init; }

    /// <summary>Shards whose TSM files were opened and whose blocks were unpacked: all, unless a test was asked to be quick or to read a part.</summary>
    public int DeepShardCount { get; init; }

    /// <summary>Bytes unpacked and checked.</summary>
    public long Bytes { get; init; }

    /// <summary>TSM files that were opened.</summary>
    public long TsmFiles { get; init; }

    /// <summary>Values that were unpacked.</summary>
    public long Points { get; init; }

    public TimeSpan Duration { get; init; }
}
