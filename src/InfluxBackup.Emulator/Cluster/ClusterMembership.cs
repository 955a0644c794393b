namespace InfluxBackup.Emulator;

/// <summary>What a data node shares with the others of its cluster.</summary>
/// <param name="NodeId">The id of the node.</param>
/// <param name="Cluster">The cluster; its list of nodes is complete only when all have been started.</param>
/// <param name="Metadata">The metadata of the cluster.</param>
/// <param name="Authentication">Who may use the HTTP API.</param>
/// <param name="UseHttps">Whether the HTTP API speaks TLS.</param>
internal sealed record ClusterMembership(ulong NodeId, EmulatedCluster Cluster, EmulatedMetadata Metadata, HttpAuthentication Authentication, bool UseHttps);
