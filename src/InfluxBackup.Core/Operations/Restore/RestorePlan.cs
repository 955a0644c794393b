using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>One shard that a restore will upload.</summary>
/// <param name="Source">Its name in the backup.</param>
/// <param name="TargetDatabase">Database on the server.</param>
/// <param name="TargetRetentionPolicy">Policy on the server.</param>
/// <param name="Archive">What the archive was found to hold; null when it can't be restored.</param>
/// <param name="Problem">Why it can't be restored.</param>
public sealed record PlannedRestoreShard(
    ShardKey Source, string TargetDatabase, string TargetRetentionPolicy, ShardArchive? Archive, InfluxBackupException? Problem)
{
    /// <summary>Its archive. Leads to the metadata of the backup, see <see cref="RestorePlan.RestorePoint"/>.</summary>
    internal StoredShard Stored { get; init; } = null!;

    /// <summary>Path of its archive.</summary>
    public string ArchivePath => Stored.Path;

    /// <summary>
    /// Deletes that the server had not yet worked into the shard's files, and that the restore therefore does: ranges of time of a
    /// series' field.
    /// </summary>
    public long PendingDeletes { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Source} to {TargetDatabase}.{TargetRetentionPolicy}{(Problem is null ? "" : $": {Problem.Id}")}";
}

/// <summary>What a restore will do. Every archive has been read and checked before there is a plan.</summary>
public sealed record RestorePlan
{
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    /// <summary>Where to: <c>data node a:8088</c>, <c>meta nodes a:8091, b:8091</c>.</summary>
    public required string Target { get; init; }

    /// <summary>The single server; null for a cluster.</summary>
    public string? DataNode { get; init; }

    /// <summary>The cluster's meta nodes; null for a single server.</summary>
    public string? MetaNode { get; init; }

    /// <summary>Not public: its metadata hold the hashes of passwords, and plans are shown, logged and turned into JSON.</summary>
    internal RestorePoint RestorePoint { get; init; } = null!;

    public required RestoreNames Names { get; init; }

    /// <summary>Nothing of the backup was left out by choice.</summary>
    public bool IsWhole { get; init; }

    /// <summary>An earlier run of the same restore is finished.</summary>
    public bool IsResumed { get; init; }

    /// <summary>Databases as they will be created: names, policies, groups and shards of this restore only.</summary>
    public required Data Metadata { get; init; }

    public required IReadOnlyList<PlannedRestoreShard> Shards { get; init; }

    /// <summary>Why the restore can't be done at all; empty when it can.</summary>
    public IReadOnlyList<InfluxBackupException> Conflicts { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];

    public IEnumerable<string> Databases => Metadata.Databases.Select(d => d.Name);

    /// <summary>Bytes of the archives, unpacked.</summary>
    public long Bytes => Shards.Sum(s => s.Archive?.Length ?? 0);

    /// <summary>Deletes that the restore applies.</summary>
    public long PendingDeletes => Shards.Where(s => s.Problem is null).Sum(s => s.PendingDeletes);

    /// <summary>The plan in one sentence.</summary>
    public override string ToString() =>
        (IsResumed ? "what is missing of " : "") +
        $"{string.Join(", ", Databases.Select(d => $"'{d}'"))} with {Count.Of(Shards.Count(s => s.Problem is null), "shard")}, {ByteSize.Format(Bytes)}, " +
        (PendingDeletes > 0 ? $"{Count.Of(PendingDeletes, "pending delete")} applied, " : "") +
        $"from backup {Timestamp} in '{Path}' to {Target}";
}
