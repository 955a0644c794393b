using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>How a shard, or a whole run, ended.</summary>
public enum Outcome
{
    /// <summary>Everything that was asked for is there and was checked.</summary>
    Complete,

    /// <summary>Some shards are there and were checked, others failed; the result names them.</summary>
    Partial,

    /// <summary>Nothing that can be used came of it.</summary>
    Failed,
}

/// <summary>How one shard fared.</summary>
public enum ShardOutcome
{
    /// <summary>Transferred and checked.</summary>
    Complete,

    /// <summary>Left out for a good reason that <see cref="ShardResult.Reason"/> gives: dropped on the server meanwhile, or unchanged.</summary>
    Skipped,

    /// <summary>Could not be transferred; <see cref="ShardResult.Error"/> says why.</summary>
    Failed,
}

/// <summary>Why a shard was left out without being a failure.</summary>
public enum SkipReason
{
    /// <summary>The server does not have it any more.</summary>
    Dropped,

    /// <summary>It has no files newer than the time that was given, or is in the set as it is.</summary>
    Unchanged,

    /// <summary>There is nothing of it: none of its owners has a file, or it holds no points.</summary>
    Empty,

    /// <summary>The target has its files already.</summary>
    AlreadyThere,
}

/// <summary>What became of one shard.</summary>
public sealed record ShardResult
{
    public required ShardKey Shard { get; init; }

    public required ShardOutcome Outcome { get; init; }

    /// <summary>Why a shard was skipped.</summary>
    public SkipReason? SkipReason { get; init; }

    /// <summary>The same in words.</summary>
    public string? Reason { get; init; }

    public InfluxBackupException? Error { get; init; }

    /// <summary>The archive as checked; null unless complete.</summary>
    public ShardArchive? Archive { get; init; }

    public ShardReceipt? Receipt { get; init; }

    /// <summary>Attempts made, the successful one included.</summary>
    public int Attempts { get; init; }

    public TimeSpan Duration { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Shard}: {Outcome}";
}

/// <summary>
/// Thrown by a source when a shard need not be transferred: the server has dropped it, or it has not changed.
/// It ends the shard as <see cref="ShardOutcome.Skipped"/>, not as failed.
/// </summary>
public sealed class ShardSkippedException(SkipReason reason, string message) : Exception(message)
{
    public SkipReason Reason { get; } = reason;
}
