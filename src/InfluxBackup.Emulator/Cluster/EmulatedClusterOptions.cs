using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Emulator;

/// <summary>How to run an <see cref="EmulatedCluster"/>.</summary>
public sealed record EmulatedClusterOptions
{
    /// <summary>Holds <c>meta/meta.db</c>, which all nodes share, and <c>data1</c>, <c>data2</c> … with a directory for each data node.</summary>
    public required string Directory { get; init; }

    public int MetaNodes { get; init; } = 3;

    public int DataNodes { get; init; } = 3;

    /// <summary>Who may use the HTTP APIs; everybody if null.</summary>
    public EmulatedAuthentication? Authentication { get; init; }

    /// <summary>https on the meta nodes and on the data nodes' HTTP ports.</summary>
    public bool UseTls { get; init; }

    /// <summary>TLS on the data nodes' other port, which the backup service is on.</summary>
    public bool UseTlsOnDataNodes { get; init; }

    /// <summary>With TLS: the certificate with its key; one for <c>localhost</c> is made if null.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>What each data node sends in a second at most, over all connections to its backup service; without a limit if null.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Whether data nodes say that their anti-entropy service is on.</summary>
    public bool AntiEntropy { get; init; }

    /// <summary>How long there is no leader after one died.</summary>
    public TimeSpan ElectionTime { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a dead node is still listed with its version, as if it were alive; 30 s with real clusters.</summary>
    public TimeSpan AnnouncementExpiry { get; init; }

    /// <summary>How long <see cref="EmulatedDataNode.StopAsync"/> lets running requests go on.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets the lines that the data nodes would log.</summary>
    public ILogger? Logger { get; init; }
}

/// <summary>Authentication on the HTTP APIs: an administrator, made at the start, and the secrets that tokens are signed with.</summary>
/// <param name="UserName">The administrator.</param>
/// <param name="Password">The administrator's.</param>
/// <param name="SharedSecret">Signs the tokens of users; tokens are refused if null.</param>
/// <param name="InternalSharedSecret">Signs the tokens of nodes, which have an empty user name.</param>
public sealed record EmulatedAuthentication(string UserName = "admin", string Password = "admin", string? SharedSecret = null, string? InternalSharedSecret = null);
