using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>One shard of the server and what became of the points that were to come into it.</summary>
/// <param name="Target">The shard on the server.</param>
/// <param name="Sources">The shards of the backup.</param>
/// <param name="Way">How they came in.</param>
/// <param name="Result">How the transfer ended.</param>
public sealed record MergedShard(ShardKey? Target, IReadOnlyList<ShardKey> Sources, MergeWay Way, ShardResult Result)
{
    /// <summary>Its group was made by this merge.</summary>
    public bool IsNew { get; init; }

    /// <summary>Points that were written over HTTP to make their fields known; they are points of the backup.</summary>
    public int PointsWritten { get; init; }

    /// <summary>Names of the files in the shard; in a cluster those on its first owner.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    public long DeletesApplied { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Target?.ToString() ?? string.Join(", ", Sources)}: {Result.Outcome}";
}

/// <summary>What a merge came to.</summary>
public sealed record MergeResult
{
    /// <summary>Directory of the set.</summary>
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    /// <summary>The server or cluster, in words.</summary>
    public required string Target { get; init; }

    public required MergePreference Prefer { get; init; }

    public required Outcome Outcome { get; init; }

    public required IReadOnlyList<MergedShard> Shards { get; init; }

    /// <summary>Policies that were created.</summary>
    public IReadOnlyList<NewRetentionPolicy> NewPolicies { get; init; } = [];

    /// <summary>Fields whose points were merged and that the server does not show: see the warnings.</summary>
    public IReadOnlyList<FieldName> HiddenFields { get; init; } = [];

    public IEnumerable<string> Databases => Shards.Where(s => s.Target is not null).Select(s => s.Target!.Database).Distinct();

    public int ShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Complete);

    public int SkippedShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Skipped);

    public int FailedShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Failed);

    /// <summary>Shard groups that the server made for this merge.</summary>
    public int NewGroupCount => Shards.Count(s => s.IsNew);

    /// <summary>Bytes sent to the server.</summary>
    public long Bytes => Shards.Sum(s => s.Result.Receipt?.StoredBytes ?? 0);

    /// <summary>Pending deletes of the backup that were applied.</summary>
    public long DeletesApplied => Shards.Sum(s => s.DeletesApplied);

    public DateTime StartTime { get; init; }

    public TimeSpan Duration { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
