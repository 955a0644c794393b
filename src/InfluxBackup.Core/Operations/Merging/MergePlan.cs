using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>How the points of a backup get into a shard of the server.</summary>
public enum MergeWay
{
    /// <summary>The files of the backup's shards as they are, without deleted points, under new names.</summary>
    WholeFiles,

    /// <summary>The shard groups differ: files with those points that belong into the shard by their time.</summary>
    CutByTime,

    /// <summary>The number of shards in a group differs: files with those series that belong into the shard.</summary>
    CutBySeries,

    /// <summary>Both.</summary>
    CutByTimeAndSeries,

    /// <summary>Nothing is sent; <see cref="PlannedMergeShard.Reason"/> says why.</summary>
    Skipped,
}

/// <summary>One shard of the server and what a merge will bring into it.</summary>
public sealed record PlannedMergeShard
{
    public required string Database { get; init; }

    public required string RetentionPolicy { get; init; }

    /// <summary>The shard's id; null where the merge has the server make its group, or where nothing is sent.</summary>
    public ulong? ShardId { get; init; }

    /// <summary>Beginning of its group, UTC. Of a group to be made, as far as points of the backup need it.</summary>
    public DateTime Start { get; init; }

    /// <summary>End of its group, UTC.</summary>
    public DateTime End { get; init; }

    /// <summary>The shards of the backup whose points come in, older groups first.</summary>
    public required IReadOnlyList<ShardKey> Sources { get; init; }

    public required MergeWay Way { get; init; }

    /// <summary>The server makes the shard group when the first point is written; where the backup has none of that time it is not made.</summary>
    public bool CreatesGroup { get; init; }

    /// <summary>Deletes of the backup that are applied to what is sent, in ranges of time of a series' field; one shard's may be listed under several.</summary>
    public long PendingDeletes { get; init; }

    /// <summary>Bytes of the backup's archives that are read for it.</summary>
    public long Bytes { get; init; }

    /// <summary>Why it is skipped.</summary>
    public string? Reason { get; init; }

    /// <summary>Why it can't be merged.</summary>
    public InfluxBackupException? Problem { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(ShardId is { } id ? $"shard {id} ({Database}.{RetentionPolicy})" : $"{Database}.{RetentionPolicy} {Start:yyyy-MM-dd'T'HH:mm:ss'Z'}")}: {Way}{(CreatesGroup ? ", new group" : "")}{(Reason is null ? "" : $", {Reason}")}";
}

/// <summary>A retention policy that the database on the server lacks and that the merge creates.</summary>
/// <param name="Database">The database.</param>
/// <param name="Name">The policy.</param>
/// <param name="Statement">How.</param>
public sealed record NewRetentionPolicy(string Database, string Name, string Statement)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Database}.{Name}";
}

/// <summary>What a merge will do. Every archive has been read and checked, and every field compared, before there is a plan.</summary>
public sealed record MergePlan
{
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    /// <summary>The server or cluster, in words.</summary>
    public required string Target { get; init; }

    public required MergePreference Prefer { get; init; }

    public required IReadOnlyList<PlannedMergeShard> Shards { get; init; }

    /// <summary>Policies that are created first.</summary>
    public IReadOnlyList<NewRetentionPolicy> NewPolicies { get; init; } = [];

    /// <summary>Why the merge can't be done at all; empty when it can.</summary>
    public IReadOnlyList<InfluxBackupException> Conflicts { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Databases on the server.</summary>
    public IEnumerable<string> Databases => Shards.Select(s => s.Database).Distinct();

    /// <summary>The backup's side.</summary>
    internal MergeSources Sources { get; init; } = null!;

    /// <summary>The plan in one sentence.</summary>
    public override string ToString()
    {
        var sent = Shards.Where(s => s.Way != MergeWay.Skipped && s.Problem is null).ToList();
        var groups = sent.Count(s => s.CreatesGroup);
        return $"{Count.Of(sent.SelectMany(s => s.Sources).Distinct().Count(), "shard")} of backup {Timestamp} in '{Path}' into {Count.Of(sent.Count, "shard")} of {string.Join(", ", Databases.Select(d => $"'{d}'"))} on {Target}" +
            $"{(groups > 0 ? $", {groups} of them new" : "")}; of equal points {(Prefer == MergePreference.Existing ? "those on the server stay" : "those of the backup win")}";
    }
}

/// <summary>The shards of a backup that a merge takes, as far as they can be merged.</summary>
/// <param name="Metadata">The backup's metadata.</param>
/// <param name="Stored">Their archives.</param>
/// <param name="Times">From the first to the last point of each.</param>
/// <param name="WithTombstones">Those with deletes to be applied.</param>
/// <param name="TargetOf">Database and policy on the server.</param>
internal sealed record MergeSources(
    ServerMetadata Metadata,
    IReadOnlyDictionary<ShardKey, StoredShard> Stored,
    IReadOnlyDictionary<ShardKey, TimeRange> Times,
    IReadOnlySet<ShardKey> WithTombstones,
    Func<ShardKey, (string Database, string RetentionPolicy)> TargetOf)
{
    /// <summary>Where the points of shards go, as the server's groups stand.</summary>
    public ShardPlacement Place(ServerMetadata target, IEnumerable<ShardKey> shards) => ShardPlacement.Create(Metadata, shards, target, TargetOf, Times);

    /// <summary>The same without some shards.</summary>
    public MergeSources Without(IReadOnlySet<ShardKey> shards) => this with { Stored = Stored.Where(s => !shards.Contains(s.Key)).ToDictionary() };

    /// <summary>Bytes of the archives, unpacked.</summary>
    public long BytesOf(IEnumerable<ShardKey> shards) => shards.Distinct().Sum(s => Stored[s].Entry.Size);
}
