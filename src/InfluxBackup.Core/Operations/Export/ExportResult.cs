using InfluxBackup.Transfer;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>What one file of an export holds.</summary>
public sealed record ExportedFile
{
    /// <summary>Full path; <c>-</c> for a stream.</summary>
    public required string Path { get; init; }

    /// <summary>Null where the file holds several.</summary>
    public string? Database { get; init; }

    /// <summary>Null where the file holds several.</summary>
    public string? RetentionPolicy { get; init; }

    /// <summary>Null where the file holds several.</summary>
    public ulong? ShardId { get; init; }

    /// <summary>Lines with points.</summary>
    public long Lines { get; init; }

    /// <summary>Field values.</summary>
    public long Points { get; init; }

    /// <summary>Series, each counted once for every shard and day that it has points in.</summary>
    public long Series { get; init; }

    /// <summary>Length of the file in bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes of text; more than <see cref="Bytes"/> where the file is compressed.</summary>
    public long TextBytes { get; init; }

    /// <summary>UTC; time of the first point, null if there is none. Cut to 100 ns.</summary>
    public DateTime? StartTime { get; init; }

    /// <summary>UTC; time of the last point, null if there is none. Cut to 100 ns.</summary>
    public DateTime? EndTime { get; init; }

    /// <summary>SHA-256 of the file, lower-case hex; null for a stream.</summary>
    public string? Sha256 { get; init; }
}

/// <summary>Something that the export does not hold though it was asked for.</summary>
/// <param name="Check">Stable id: <c>BlockDamaged</c>, <c>FileDamaged</c>, <c>ShardNotReadable</c>, <c>SeriesNotWritable</c>.</param>
/// <param name="File">The file or shard it is in.</param>
/// <param name="Offset">Where in the file, where known.</param>
/// <param name="Database">Database.</param>
/// <param name="RetentionPolicy">Retention policy.</param>
/// <param name="ShardId">Shard.</param>
/// <param name="Series">Series and field, where known.</param>
/// <param name="StartTime">UTC; first time that is touched, where known.</param>
/// <param name="EndTime">UTC; last time that is touched, where known.</param>
/// <param name="Message">What is wrong.</param>
public sealed record ExportFinding(
    string Check, string File, long? Offset, string Database, string RetentionPolicy, ulong ShardId, string? Series, DateTime? StartTime, DateTime? EndTime, string Message);

/// <summary>What an export came to.</summary>
public sealed record ExportResult
{
    /// <summary>Complete: everything that was asked for is in the files. Partial: <see cref="Findings"/> says what is not.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>Where the points came from.</summary>
    public required string Source { get; init; }

    public required IReadOnlyList<ExportedFile> Files { get; init; }

    public int ShardCount { get; init; }

    /// <summary>What is missing; the first hundred of them.</summary>
    public IReadOnlyList<ExportFinding> Findings { get; init; } = [];

    /// <summary>How many there were.</summary>
    public long FindingCount { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    public long Lines => Files.Sum(f => f.Lines);

    public long Points => Files.Sum(f => f.Points);

    public long Series => Files.Sum(f => f.Series);

    public long Bytes => Files.Sum(f => f.Bytes);

    public TimeSpan Duration { get; init; }
}
