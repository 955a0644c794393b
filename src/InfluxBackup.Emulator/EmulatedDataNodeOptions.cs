using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Emulator;

/// <summary>What listens on the port.</summary>
public enum EmulatedNodeKind
{
    /// <summary>The backup service of servers 1.5 to 1.12.</summary>
    Server,

    /// <summary>The backup service of servers 0.10 to 1.4, which know no type byte; answers a metastore backup in the old form and nothing else.</summary>
    Server14,

    /// <summary>Not a backup service at all but an HTTP API, which takes everything for a malformed request.</summary>
    HttpPort,
}

/// <summary>How to run an <see cref="EmulatedDataNode"/>.</summary>
public sealed record EmulatedDataNodeOptions
{
    /// <summary>Holds <c>data/db/rp/id/*.tsm</c> and <c>meta/meta.db</c>, as a server's directory does; created where it is missing.</summary>
    public required string Directory { get; init; }

    /// <summary>The port on loopback; 0 is any free one. A restarted node keeps it.</summary>
    public int Port { get; init; }

    public EmulatedNodeKind Kind { get; init; } = EmulatedNodeKind.Server;

    /// <summary>More clients than this wait to be accepted.</summary>
    public int MaxConnections { get; init; } = 64;

    /// <summary>Time for a client to send the first byte.</summary>
    public TimeSpan MuxTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long <see cref="EmulatedDataNode.StopAsync"/> lets running requests go on.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The defect of servers up to 1.8.7: uploaded metadata are taken with a single read, and what arrives later is lost.</summary>
    public bool SingleReadUpload { get; init; }

    /// <summary>What all connections together send in a second at most; without a limit if null.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Speaks TLS, as a proxy in front of the service would.</summary>
    public bool UseTls { get; init; }

    /// <summary>With TLS: the certificate with its key; one for <c>localhost</c> is made if null.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Gets the lines that a server would log.</summary>
    public ILogger? Logger { get; init; }
}
