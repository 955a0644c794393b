using System.IO.Compression;
using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>What goes into one file.</summary>
public enum ExportSplit
{
    /// <summary>Everything into one file.</summary>
    None,

    /// <summary>Each retention policy of each database.</summary>
    RetentionPolicy,

    /// <summary>Each day (UTC) of each retention policy, by the times of the points.</summary>
    Day,

    /// <summary>Each shard.</summary>
    Shard,
}

/// <summary>What to export, and into which files.</summary>
public sealed record ExportOptions : OperationOptions
{
    /// <summary>Where the points come from.</summary>
    public required ExportSource Source { get; init; }

    /// <summary>
    /// Path of the file, or of the directory where <see cref="Split"/> or <see cref="MaxFileSize"/> make several. Null where
    /// <see cref="OutputStream"/> is given.
    /// </summary>
    public string? Output { get; init; }

    /// <summary>Takes everything instead of a file, for instance standard output; stays the caller's.</summary>
    public Stream? OutputStream { get; init; }

    /// <summary>Databases, policies and shards. Without any named, all but <c>_internal</c>, which holds a server's notes on itself.</summary>
    public ShardSelection Selection { get; init; } = ShardSelection.Everything;

    /// <summary>Which points, both ends included, exactly.</summary>
    public TimeRange Times { get; init; } = TimeRange.Everything;

    /// <summary>Measurements, with wildcards; all unless given.</summary>
    public IReadOnlyList<string> Measurements { get; init; } = [];

    /// <summary>Tags that a series must have.</summary>
    public IReadOnlyList<TagFilter> Tags { get; init; } = [];

    /// <summary>One line for each field, as <c>influx_inspect export</c> writes them, instead of one for all fields of a time.</summary>
    public bool OneFieldPerLine { get; init; }

    /// <summary>Points alone: no comments, statements and contexts.</summary>
    public bool LineProtocolOnly { get; init; }

    /// <summary>Null for plain text, else gzip.</summary>
    public CompressionLevel? Compression { get; init; }

    public ExportSplit Split { get; init; }

    /// <summary>Begin a new file before one would become larger, in bytes as written.</summary>
    public long? MaxFileSize { get; init; }

    /// <summary>Go on where a run that was stopped left off.</summary>
    public bool Resume { get; init; }

    /// <summary>How often it is written down how far a run has come. So much work at most, and that of one shard, is done again after a crash.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Replace files that are there.</summary>
    public bool Force { get; init; }

    /// <summary>How hard to compress: as hard as was asked for; without a level where it was asked for at all, or the name says so.</summary>
    public static CompressionLevel? ChooseCompression(CompressionLevel? level, bool compress, string output) =>
        level ?? (compress || output.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? CompressionLevel.Fastest : null);

    /// <summary>Whether the output is a directory of files.</summary>
    public bool HasSeveralFiles => Split != ExportSplit.None || MaxFileSize is not null;
}
