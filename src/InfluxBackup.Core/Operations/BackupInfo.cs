using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

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

    /// <summary>Null where another program made the backup, or an early version of this one: those have all shards that were asked for.</summary>
    public BackupStrategy? Strategy { get; init; }

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
