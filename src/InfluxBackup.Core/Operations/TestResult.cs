using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

public enum FindingSeverity
{
    /// <summary>Odd, but nothing is lost by it.</summary>
    Warning,

    /// <summary>Something of the backup can't be restored as it is.</summary>
    Error,
}

/// <summary>One thing that a test found.</summary>
/// <param name="Severity">Error or warning.</param>
/// <param name="Check">Id of the check, for instance <c>ArchiveHashMismatch</c>.</param>
/// <param name="File">Path of the file.</param>
/// <param name="Database">Database that it touches, where known.</param>
/// <param name="RetentionPolicy">Policy that it touches, where known.</param>
/// <param name="ShardId">Shard that it touches, where known.</param>
/// <param name="Message">What is wrong.</param>
public sealed record TestFinding(
    FindingSeverity Severity, string Check, string File, string? Database, string? RetentionPolicy, ulong? ShardId, string Message);

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

    /// <summary>Shards that were found sound.</summary>
    public int ShardCount { get; init; }

    public int FailedShardCount { get; init; }

    /// <summary>Bytes unpacked and checked.</summary>
    public long Bytes { get; init; }

    public TimeSpan Duration { get; init; }
}
