namespace InfluxBackup.Emulator;

/// <summary>What a data node shares with the others of its cluster.</summary>
/// <param name="NodeId">The id of the node.</param>
/// <param name="Metadata">The metadata of the cluster.</param>
/// <param name="Authentication">Who may use the HTTP API.</param>
/// <param name="UseHttps">Whether the HTTP API speaks TLS.</param>
/// <param name="AllStores">The shards of all data nodes.</param>
/// <param name="MetaAddresses">The HTTP addresses of the meta nodes.</param>
internal sealed record ClusterMembership(
    ulong NodeId, EmulatedMetadata Metadata, HttpAuthentication Authentication, bool UseHttps, Func<IEnumerable<ShardStore>> AllStores, Func<IReadOnlyList<string>> MetaAddresses);
