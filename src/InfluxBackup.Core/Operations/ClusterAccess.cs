using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>How to reach a cluster: its meta nodes, which tell where the data nodes are.</summary>
public sealed record ClusterAccess : InfluxAccess
{
    /// <summary>One or more; any that is up serves.</summary>
    public required IReadOnlyList<MetaNodeAddress> MetaNodes { get; init; }

    public MetaNodeOptions Meta { get; init; } = new();

    /// <summary>For the data nodes' backup service, port 8088 by default. Its TLS is a setting of its own (<c>[cluster] https-enabled</c>).</summary>
    public SnapshotterOptions DataNodes { get; init; } = new();

    /// <inheritdoc/>
    public override string Name => $"meta node{(MetaNodes.Count > 1 ? "s" : "")} {string.Join(", ", MetaNodes)}";

    public MetaNodeClient CreateMetaClient(ILogger logger) => new(MetaNodes, Meta, logger);

    /// <summary>How to reach a data node's HTTP API: the address is the cluster's, the credential and the certificate check those of the meta nodes.</summary>
    public InfluxHttpOptions HttpOf(ClusterDataNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new InfluxHttpOptions
        {
            // A node that was not heard of lately has no scheme.
            Uri = InfluxHttpOptions.ParseUri($"{(node.HttpScheme.Length > 0 ? node.HttpScheme : Meta.UseTls ? "https" : "http")}://{node.HttpAddress}"),
            Credential = Meta.Credential,
            SkipCertificateCheck = Meta.SkipCertificateCheck,
            Timeout = Meta.Timeout,
        };
    }
}
