namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>The two series indexes of InfluxDB 1.x; which one a server uses changes what a restore may do wrong.</summary>
public enum SeriesIndex
{
    InMem,
    Tsi1,
}

/// <summary>How a real server is to be set up. The defaults give an empty, quiet server without users.</summary>
public sealed record InfluxServerOptions
{
    public SeriesIndex Index { get; init; } = SeriesIndex.InMem;

    /// <summary>Whether the server writes its own statistics into the database <c>_internal</c>.</summary>
    public bool MonitorStore { get; init; }

    /// <summary>Demands a login for every query; the user <see cref="AdminName"/> is created at the first start.</summary>
    public bool Authentication { get; init; }

    public string AdminName { get; init; } = "admin";

    public string AdminPassword { get; init; } = "pass \"word\"";

    /// <summary>
    /// Where data, wal and meta lie. Without it the server makes a temporary directory and removes it when disposed;
    /// with it the directory is the caller's, is used as found, and stays.
    /// </summary>
    public string? Directory { get; init; }

    /// <summary>Further lines of the section <c>[data]</c>, such as <c>cache-snapshot-write-cold-duration = "5s"</c>.</summary>
    public IReadOnlyList<string> DataSettings { get; init; } = [];

    /// <summary>Longest body that the server takes, in bytes; 0 for no limit.</summary>
    public int MaxBodySize { get; init; }

    /// <summary>How long a start may take; opening large shards takes a while.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
