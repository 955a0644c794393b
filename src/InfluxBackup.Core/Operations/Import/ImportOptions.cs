using InfluxBackup.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>Where to write line protocol, and how.</summary>
public sealed record ImportOptions
{
    /// <summary>The HTTP API: one address of a server, or several of one cluster.</summary>
    public required IReadOnlyList<InfluxHttpOptions> Servers { get; init; }

    /// <summary>Database of lines that no <c># CONTEXT-DATABASE:</c> precedes.</summary>
    public string? Database { get; init; }

    /// <summary>Policy of lines that no <c># CONTEXT-RETENTION-POLICY:</c> precedes; the default policy of the database when null.</summary>
    public string? RetentionPolicy { get; init; }

    /// <summary>Write into this database, whatever the file says.</summary>
    public string? NewDatabase { get; init; }

    /// <summary>Write into this policy, whatever the file says.</summary>
    public string? NewRetentionPolicy { get; init; }

    /// <summary>Don't run the statements of the file.</summary>
    public bool SkipDdl { get; init; }

    /// <summary>Go on when a statement of the file fails.</summary>
    public bool IgnoreDdlErrors { get; init; }

    /// <summary>Precision of the times, and consistency in a cluster.</summary>
    public WriteSettings Write { get; init; } = new();

    /// <summary>Connections at once; <see cref="DefaultParallelism"/> unless given.</summary>
    public int? Parallelism { get; init; }

    /// <summary>Lines of a request at most.</summary>
    public int BatchLines { get; init; } = 5_000;

    /// <summary>Bytes of a request at most, before compression; a longer line makes a request of its own.</summary>
    public int BatchBytes { get; init; } = 1 << 20;

    /// <summary>Longest line.</summary>
    public int MaxLineBytes { get; init; } = LineProtocol.LineReader.DefaultMaxLength;

    public long? PointsPerSecond { get; init; }

    /// <summary>Whether bodies are compressed; unless given, yes, but not for a server on this machine.</summary>
    public bool? Compress { get; init; }

    /// <summary>File for the lines that the server refuses; beside the source, with the ending <c>.rejected.lp</c>, unless given.</summary>
    public string? RejectPath { get; init; }

    /// <summary>Go on where an earlier run left off.</summary>
    public bool Resume { get; init; }

    /// <summary>Attempts for each request, the first included.</summary>
    public int MaxAttempts { get; init; } = 10;

    /// <summary>Wait before the second attempt; doubles from attempt to attempt, with jitter.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest wait between two attempts, unless the server asks for a longer one. With the defaults a request is tried for about two minutes.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Told a few times a second.</summary>
    public IProgress<ImportProgress>? Progress { get; init; }

    /// <summary>Two for each processor, at least 8 and at most 16.</summary>
    public static int DefaultParallelism => Math.Clamp(2 * Environment.ProcessorCount, 8, 16);

    internal int Lanes => Math.Max(1, Parallelism ?? DefaultParallelism);

    internal bool IsCompressed => Compress ?? Servers.Any(s => !s.Uri.IsLoopback);

    internal void Validate()
    {
        if (Servers.Count == 0)
        {
            throw new InfluxBackupException("HttpUriRequired", ErrorKind.InvalidArgument, "There is no server to write to.") { Remedy = "Give the address of its HTTP API, for instance http://influx01:8086." };
        }

        if (BatchLines < 1 || BatchBytes < 1 || PointsPerSecond < 1)
        {
            throw new InfluxBackupException("ImportLimitInvalid", ErrorKind.InvalidArgument, "Lines and bytes of a batch, and points per second, have to be at least 1.");
        }
    }
}

/// <summary>A sign of life from an import.</summary>
/// <param name="Source">What is being read.</param>
/// <param name="BytesRead">Bytes of the source read so far, as they lie there.</param>
/// <param name="TotalBytes">Its size, where known.</param>
/// <param name="PointsWritten">Lines that the server has acknowledged.</param>
/// <param name="Rejected">Lines that it refused.</param>
/// <param name="Elapsed">Time since the source was opened.</param>
public sealed record ImportProgress(string Source, long BytesRead, long? TotalBytes, long PointsWritten, long Rejected, TimeSpan Elapsed);
