using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>What a backup came to.</summary>
public sealed record BackupResult
{
    /// <summary>Directory of the set.</summary>
    public required string Path { get; init; }

    /// <summary>Name of the backup in the set; null when none was kept.</summary>
    public string? Timestamp { get; init; }

    public string? ManifestPath { get; init; }

    public required Outcome Outcome { get; init; }

    /// <summary>Whom the metadata came from: a data node, or the meta nodes of a cluster.</summary>
    public required string Source { get; init; }

    /// <summary>The server; null for a cluster.</summary>
    public string? DataNode { get; init; }

    public BackupStrategy Strategy { get; init; }

    public string? ServerVersion { get; init; }

    /// <summary>Shards in the backup.</summary>
    public int ShardCount => Shards.Count(s => s.Outcome == ShardOutcome.Complete);

    public int FailedShardCount => Shards.Count(s => s.Outcome == ShardOutcome.Failed);

    /// <summary>Shards left out because the set has them as they are.</summary>
    public int UnchangedShardCount => Shards.Count(s => s.SkipReason == SkipReason.Unchanged);

    /// <summary>Bytes read from the server.</summary>
    public long Bytes => Shards.Sum(s => s.Archive?.Length ?? 0);

    /// <summary>Bytes of the archives on disk.</summary>
    public long StoredBytes => Shards.Sum(s => s.Receipt?.StoredBytes ?? 0);

    public DateTime StartTime { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>Every shard of the plan and what became of it.</summary>
    public required IReadOnlyList<ShardResult> Shards { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
