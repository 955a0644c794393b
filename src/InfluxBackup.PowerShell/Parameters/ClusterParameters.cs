using System.Net;
using System.Security;
using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>What the parameters that name a cluster mean together.</summary>
internal sealed record ClusterParameters(string[] MetaNode)
{
    public InfluxCredential? Credential { get; init; }

    public SecureString? SharedSecret { get; init; }

    /// <summary>That of the credential unless given; empty for the token of a node.</summary>
    public string? UserName { get; init; }

    public bool UseTls { get; init; }

    public bool UseDataNodeTls { get; init; }

    public bool SkipCertificateCheck { get; init; }

    public TimeSpan? Timeout { get; init; }

    /// <exception cref="InfluxBackupException">An address is none, or the parameters do not go together.</exception>
    public ClusterAccess ToAccess()
    {
        var meta = new MetaNodeOptions
        {
            UseTls = UseTls,
            SkipCertificateCheck = SkipCertificateCheck,
            Credential = Credential,
            // A secure string has no other way out than this.
            SharedSecret = SharedSecret is null ? null : new SharedSecret(new NetworkCredential("", SharedSecret).Password),
            UserName = SharedSecret is null && UserName is not null ? throw SharedSecretRequired() : UserName ?? Credential?.UserName,
        };
        var nodes = new SnapshotterOptions { UseTls = UseDataNodeTls, SkipCertificateCheck = SkipCertificateCheck };
        return new ClusterAccess
        {
            MetaNodes = [.. MetaNode.Select(MetaNodeAddress.Parse)],
            Meta = Timeout is { } limit ? meta with { Timeout = limit } : meta,
            DataNodes = Timeout is { } idle ? nodes with { IdleTimeout = idle } : nodes,
        };
    }

    private static InfluxBackupException SharedSecretRequired() =>
        new("SharedSecretRequired", ErrorKind.InvalidArgument, "A user name was given, but no secret that signs for it.")
        {
            Remedy = "Give -SharedSecret too, or -Credential instead of -UserName.",
        };
}
