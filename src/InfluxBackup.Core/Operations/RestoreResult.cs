using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>One shard and what became of it on the server.</summary>
/// <param name="Source">Its name in the backup.</param>
/// <param name="Target">Its name on the server; null when it has none there.</param>
/// <param name="Result">How the transfer ended.</param>
public sealed record RestoredShard(ShardKey Source, ShardKey? Target, ShardResult Result)
{
    /// <summary>
    /// Deletes that the server had not yet worked into the shard's files when the backup was made, and that were applied before the upload:
    /// ranges of time of a series' field.
    /// </summary>
    public long DeletesApplied { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Result}{(Target is null ? "" : $" as {Target}")}";
}

/// <summary>A continuous query, grant or user of the backup, and whether the server has it now.</summary>
/// <param name="Kind">Continuous query, grant or user.</param>
/// <param name="Name">Its name; for a grant the user's.</param>
/// <param name="Database">The database on the server, where it belongs to one.</param>
/// <param name="IsRestored">Whether it was restored.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Statement">The InfluxQL statement that does it, without passwords.</param>
public sealed record RestoredObject(RestoredObjectKind Kind, string Name, string? Database, bool IsRestored, string? Reason, string? Statement);

public enum RestoredObjectKind
{
    ContinuousQuery,
    Grant,
    User,
}

/// <summary>What a restore came to.</summary>
public sealed record RestoreResult
{
    /// <summary>Directory of the set.</summary>
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    public required string DataNode { get; init; }

    public required Outcome Outcome { get; init; }

    /// <summary>Databases that were created.</summary>
    public required IReadOnlyList<string> Databases { get; init; }

    public required IReadOnlyList<RestoredShard> Shards { get; init; }

    /// <summary>Continuous queries, grants and users: restored, or named with the reason.</summary>
    public required IReadOnlyList<RestoredObject> Objects { get; init; }

    public int ShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Complete);

    public int FailedShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Failed);

    /// <summary>Bytes sent to the server.</summary>
    public long Bytes => Shards.Sum(s => s.Result.Receipt?.StoredBytes ?? 0);

    /// <summary>Pending deletes of the backup that were applied.</summary>
    public long DeletesApplied => Shards.Sum(s => s.DeletesApplied);

    public DateTime StartTime { get; init; }

    public TimeSpan Duration { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
