namespace InfluxBackup.Snapshotter;

/// <summary>How to talk to a data node.</summary>
public sealed record SnapshotterOptions
{
    /// <summary>Longest wait for the connection itself.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Longest silence on a connection. Generous, because the server flushes a shard's write cache to disk before it sends
    /// the first byte, and reopens the shard after the last byte of an upload.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The port is behind a TLS proxy, or is a cluster's with TLS.</summary>
    public bool UseTls { get; init; }

    /// <summary>With TLS: accept any certificate.</summary>
    public bool SkipCertificateCheck { get; init; }
}
