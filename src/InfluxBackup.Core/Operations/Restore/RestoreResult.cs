using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>One shard and what became of it at the target.</summary>
/// <param name="Source">Its name in the backup; that of the oldest where it is made of several.</param>
/// <param name="Target">Its name at the target; null when it has none there.</param>
/// <param name="Result">How the transfer ended.</param>
public sealed record RestoredShard(ShardKey Source, ShardKey? Target, ShardResult Result)
{
    /// <summary>
    /// The shards of the backup that it is made of. A cluster with other shard groups, or another number of shards in a group, takes a shard of
    /// the backup apart, or joins several.
    /// </summary>
    public IReadOnlyList<ShardKey> Sources { get; init; } = [Source];

    /// <summary>How it fared on each of its owners; one on a single server.</summary>
    public IReadOnlyList<OwnerResult> Owners { get; init; } = [];

    /// <summary>All owners held its files before anything was sent: an earlier run had finished it.</summary>
    public bool WasThere => Owners.Count > 0 && Owners.All(o => o is { IsComplete: true, WasThere: true });

    /// <summary>
    /// Deletes that the server had not yet worked into the shard's files when the backup was made, and that were applied before the upload:
    /// ranges of time of a series' field.
    /// </summary>
    public long DeletesApplied { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Result}{(Target is null ? "" : $" as {Target}")}";
}

/// <summary>A continuous query, grant, user or subscription of the backup, and whether the target has it now.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its name; for a grant the user's.</param>
/// <param name="Database">The database on the server, where it belongs to one.</param>
/// <param name="IsRestored">Whether it was restored.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Statement">The InfluxQL statement that does it, without passwords.</param>
public sealed record RestoredObject(RestoredObjectKind Kind, string Name, string? Database, bool IsRestored, string? Reason, string? Statement)
{
    /// <summary>It was tried in vain; what was left out on purpose, or for want of an address, is not a failure.</summary>
    public bool IsFailed { get; init; }
}

public enum RestoredObjectKind
{
    ContinuousQuery,
    Grant,
    User,
    Subscription,
}

/// <summary>What a restore came to.</summary>
public sealed record RestoreResult
{
    /// <summary>Directory of the set.</summary>
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    /// <summary>The single server; null for a cluster.</summary>
    public string? DataNode { get; init; }

    /// <summary>The cluster's meta nodes; null for a single server.</summary>
    public string? MetaNode { get; init; }

    public required Outcome Outcome { get; init; }

    /// <summary>Databases that were created, or finished.</summary>
    public required IReadOnlyList<string> Databases { get; init; }

    public required IReadOnlyList<RestoredShard> Shards { get; init; }

    /// <summary>Continuous queries, grants, users and subscriptions: restored, or named with the reason.</summary>
    public required IReadOnlyList<RestoredObject> Objects { get; init; }

    public int ShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Complete);

    public int FailedShardCount => Shards.Count(s => s.Result.Outcome == ShardOutcome.Failed);

    /// <summary>Bytes sent, to all owners together.</summary>
    public long Bytes => Shards.Sum(s => s.Result.Receipt?.StoredBytes ?? 0);

    /// <summary>Pending deletes of the backup that were applied.</summary>
    public long DeletesApplied => Shards.Sum(s => s.DeletesApplied);

    public DateTime StartTime { get; init; }

    public TimeSpan Duration { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
