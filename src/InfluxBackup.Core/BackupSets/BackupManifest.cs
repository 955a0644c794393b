using System.Text.Json.Serialization;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>
/// The manifest of a portable backup, <c>PREFIX.manifest</c>: the fields of <c>influxd backup -portable</c> in their order, and beside
/// them ours, which the official tools ignore. Names of ours never differ from official ones by case alone, because Go's
/// JSON reader does not look at case.
/// </summary>
public sealed record BackupManifest
{
    [JsonPropertyName("meta")]
    public required ManifestMeta Meta { get; init; }

    /// <summary>True when the backup was limited to a database, policy or shard.</summary>
    [JsonPropertyName("limited")]
    public bool Limited { get; init; }

    [JsonPropertyName("files")]
    public IReadOnlyList<ManifestShard>? Files { get; init; }

    [JsonPropertyName("database")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Database { get; init; }

    [JsonPropertyName("policy")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RetentionPolicy { get; init; }

    [JsonPropertyName("shard_id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong ShardId { get; init; }

    /// <summary>Ours; null in manifests of other programs.</summary>
    [JsonPropertyName("influxBackup")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ManifestRun? Run { get; init; }
}

/// <summary>The metadata file.</summary>
public sealed record ManifestMeta
{
    [JsonPropertyName("fileName")]
    public required string FileName { get; init; }

    /// <summary>Length of the metadata inside the file's wrapper.</summary>
    [JsonPropertyName("size")]
    public long Size { get; init; }

    /// <summary>Ours: SHA-256 of the file.</summary>
    [JsonPropertyName("fileSha256")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? FileSha256 { get; init; }
}

/// <summary>One shard archive.</summary>
public sealed record ManifestShard
{
    /// <summary>Empty in what <c>influxd backup -shard</c> up to 1.9 writes when it is given no database.</summary>
    [JsonPropertyName("database")]
    public string Database { get; init; } = "";

    [JsonPropertyName("policy")]
    public string RetentionPolicy { get; init; } = "";

    [JsonPropertyName("shardID")]
    public ulong ShardId { get; init; }

    [JsonPropertyName("fileName")]
    public required string FileName { get; init; }

    /// <summary>Length of the tar stream.</summary>
    [JsonPropertyName("size")]
    public long Size { get; init; }

    /// <summary>
    /// Newest change of the shard, nanoseconds since 1970; 0 on single servers. Ours never falls from one backup of a set to the next, because
    /// the official tools take the archive with the greatest one.
    /// </summary>
    [JsonPropertyName("lastModified")]
    public long LastModified { get; init; }

    /// <summary>Ours: length of the compressed file.</summary>
    [JsonPropertyName("archiveSize")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ArchiveSize { get; init; }

    /// <summary>Ours: SHA-256 of the compressed file.</summary>
    [JsonPropertyName("archiveSha256")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ArchiveSha256 { get; init; }

    /// <summary>Ours: SHA-256 of the tar stream.</summary>
    [JsonPropertyName("tarSha256")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TarSha256 { get; init; }

    /// <summary>Ours: time range of the shard group, end exclusive.</summary>
    [JsonPropertyName("startTime")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? StartTime { get; init; }

    [JsonPropertyName("endTime")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? EndTime { get; init; }

    /// <summary>Ours: the files of the shard.</summary>
    [JsonPropertyName("entries")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ManifestEntry>? Entries { get; init; }

    [JsonPropertyName("warnings")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>Ours: the data nodes that held the shard, as far as the archive has what they had. Only for clusters.</summary>
    [JsonPropertyName("owners")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ManifestOwner>? Owners { get; init; }
}

/// <summary>
/// One copy of a shard in a cluster. The shard has not changed since the backup while the node reports the very same numbers. They are from
/// before the archive was read, and what they tell of was in files by then.
/// </summary>
public sealed record ManifestOwner
{
    [JsonPropertyName("nodeId")]
    public ulong NodeId { get; init; }

    [JsonPropertyName("dataNode")]
    public string DataNode { get; init; } = "";

    /// <summary>Newest change by the node's clock, nanoseconds since 1970.</summary>
    [JsonPropertyName("lastModified")]
    public long LastModified { get; init; }

    /// <summary>Bytes on the node.</summary>
    [JsonPropertyName("size")]
    public long Size { get; init; }

    /// <summary>The archive is of this node's copy.</summary>
    [JsonPropertyName("isSource")]
    public bool IsSource { get; init; }
}

/// <summary>One file of a shard.</summary>
public sealed record ManifestEntry
{
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("size")]
    public long Size { get; init; }
}

/// <summary>What we record of the run that made the backup.</summary>
public sealed record ManifestRun
{
    /// <summary>Version of our fields.</summary>
    public const int CurrentFormat = 1;

    [JsonPropertyName("formatVersion")]
    public int FormatVersion { get; init; } = CurrentFormat;

    [JsonPropertyName("toolVersion")]
    public string ToolVersion { get; init; } = "";

    /// <summary>Host and port of the data node, or of the cluster's meta nodes, separated by commas.</summary>
    [JsonPropertyName("source")]
    public string Source { get; init; } = "";

    [JsonPropertyName("serverVersion")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ServerVersion { get; init; }

    [JsonPropertyName("startedAt")]
    public DateTime StartedAt { get; init; }

    [JsonPropertyName("completedAt")]
    public DateTime CompletedAt { get; init; }

    /// <summary>The options as given, secrets left out.</summary>
    [JsonPropertyName("options")]
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    [JsonPropertyName("outcome")]
    public Outcome Outcome { get; init; }

    /// <summary>Null in manifests of early versions, which knew no other than <see cref="BackupStrategy.Full"/>.</summary>
    [JsonPropertyName("strategy")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BackupStrategy? Strategy { get; init; }

    [JsonPropertyName("warnings")]
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Shards that were asked for and are not in the backup.</summary>
    [JsonPropertyName("missingShards")]
    public IReadOnlyList<ManifestMissingShard> MissingShards { get; init; } = [];

    /// <summary>
    /// Set when shards without changes since then were left out. Restored alone, such a backup lacks them; the combination of the
    /// set has them.
    /// </summary>
    [JsonPropertyName("since")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? Since { get; init; }
}

/// <summary>A shard that is not in the backup, and why.</summary>
public sealed record ManifestMissingShard
{
    [JsonPropertyName("database")]
    public required string Database { get; init; }

    [JsonPropertyName("policy")]
    public required string RetentionPolicy { get; init; }

    [JsonPropertyName("shardID")]
    public ulong ShardId { get; init; }

    /// <summary><see cref="ShardOutcome.Skipped"/> or <see cref="ShardOutcome.Failed"/>.</summary>
    [JsonPropertyName("outcome")]
    public ShardOutcome Outcome { get; init; }

    /// <summary>Name of the backup of the set that has the shard as it was; null where none is known to.</summary>
    [JsonPropertyName("unchangedSince")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UnchangedSince { get; init; }

    [JsonPropertyName("reason")]
    public string Reason { get; init; } = "";
}
