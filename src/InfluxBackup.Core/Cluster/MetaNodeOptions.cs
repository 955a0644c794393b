using InfluxBackup.Http;

namespace InfluxBackup.Cluster;

/// <summary>How to talk to the meta nodes of a cluster.</summary>
public sealed record MetaNodeOptions
{
    /// <summary>The nodes speak HTTPS (<c>https-enabled</c> in section <c>[meta]</c>).</summary>
    public bool UseTls { get; init; }

    /// <summary>With TLS: accept any certificate.</summary>
    public bool SkipCertificateCheck { get; init; }

    /// <summary>Name and password, sent as Basic authentication where there is no <see cref="SharedSecret"/>.</summary>
    public InfluxCredential? Credential { get; init; }

    /// <summary>Signs a token for each request. It comes before <see cref="Credential"/>.</summary>
    public SharedSecret? SharedSecret { get; init; }

    /// <summary>
    /// The user that the token is for: then the secret is the nodes' <c>shared-secret</c>. Without a name the token is that of a
    /// node, and the secret <c>internal-shared-secret</c>.
    /// </summary>
    public string? UserName { get; init; }

    /// <summary>Longest wait for a whole answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Longest wait for the connection itself.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long to wait for the cluster to find a leader, which takes it some seconds when it has lost one.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);
}
