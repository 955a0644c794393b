using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>A node's directory: metadata and shards.</summary>
internal sealed class NodeStorage
{
    private readonly Func<IEnumerable<ShardStore>> allStores;

    /// <param name="directory">Holds <c>data</c> and, of a single server, <c>meta</c>.</param>
    /// <param name="cluster">What a node of a cluster shares with the others; null for a single server.</param>
    public NodeStorage(string directory, ClusterMembership? cluster = null)
    {
        DataDirectory = Path.Combine(Path.GetFullPath(directory), "data");
        Directory.CreateDirectory(DataDirectory);
        Metadata = cluster?.Metadata ?? new EmulatedMetadata(Path.Combine(Path.GetFullPath(directory), "meta"));
        Shards = new ShardStore(DataDirectory);
        allStores = cluster is null ? () => [Shards] : () => cluster.Cluster.DataNodes.Select(n => n.Shards);
    }

    public string DataDirectory { get; }

    public EmulatedMetadata Metadata { get; }

    public ShardStore Shards { get; }

    /// <summary>DROP SHARD: the shard leaves the metadata and the disks of all nodes; a group without shards is marked deleted.</summary>
    public void Drop(ShardKey shard)
    {
        Metadata.Edit(data =>
        {
            foreach (var group in data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups))
            {
                if (group.Shards.FirstOrDefault(s => s.ID == shard.Id) is { } found)
                {
                    group.Shards.Remove(found);
                    group.DeletedAt = group.Shards.Count == 0 ? GoTime.Now : group.DeletedAt;
                }
            }
        });
        foreach (var store in allStores())
        {
            store.Delete(shard);
        }
    }
}
