using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>One shard of a server or of a backup.</summary>
public sealed record ShardInfo
{
    public required string Database { get; init; }

    public required string RetentionPolicy { get; init; }

    public required ulong ShardId { get; init; }

    /// <summary>UTC.</summary>
    public DateTime StartTime { get; init; }

    /// <summary>UTC, exclusive.</summary>
    public DateTime EndTime { get; init; }

    /// <summary>Bytes: of the files on a server, of the tar stream in a backup; null where unknown.</summary>
    public long? Size { get; init; }

    /// <summary>Bytes of the compressed archive in a backup.</summary>
    public long? StoredSize { get; init; }

    /// <summary>TSM files, where known.</summary>
    public int? TsmFiles { get; init; }

    /// <summary>Whether the server has the shard open; in a backup, whether its archive is there.</summary>
    public bool IsPresent { get; init; }

    /// <summary>The data node, for a shard of a server.</summary>
    public string? DataNode { get; init; }

    /// <summary>The set, for a shard of a backup.</summary>
    public string? Path { get; init; }

    /// <summary>The backup in its set.</summary>
    public string? Timestamp { get; init; }

    /// <summary>The archive.</summary>
    public string? FileName { get; init; }
}

/// <summary>One backup of a set as its manifest and metadata describe it.</summary>
public sealed record BackupInfo
{
    /// <summary>Directory of the set.</summary>
    public required string Path { get; init; }

    public required string Timestamp { get; init; }

    /// <summary>UTC; from the name.</summary>
    public DateTime? Created { get; init; }

    public required string ManifestPath { get; init; }

    /// <summary>Null where another program made the backup: its manifests don't say.</summary>
    public Outcome? Outcome { get; init; }

    public string? Source { get; init; }

    public string? ServerVersion { get; init; }

    public string? ToolVersion { get; init; }

    /// <summary>Shards unchanged since then were left out.</summary>
    public DateTime? Since { get; init; }

    /// <summary>Not the whole server.</summary>
    public bool IsLimited { get; init; }

    /// <summary>Databases with shards in the backup.</summary>
    public required IReadOnlyList<string> Databases { get; init; }

    public required IReadOnlyList<ShardInfo> Shards { get; init; }

    public int ShardCount => Shards.Count;

    /// <summary>Bytes, unpacked.</summary>
    public long Size => Shards.Sum(s => s.Size ?? 0);

    /// <summary>Bytes of the archives that are there.</summary>
    public long StoredSize => Shards.Sum(s => s.StoredSize ?? 0);

    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>As <c>database.name</c>.</summary>
    public IReadOnlyList<string> ContinuousQueries { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
