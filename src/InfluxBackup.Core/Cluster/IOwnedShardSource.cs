using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cluster;

/// <summary>A source of shards that several nodes own: it can tell afterwards whose copies it gave.</summary>
public interface IOwnedShardSource : IShardSource
{
    /// <summary>The copies that a shard was read from, once it was confirmed; none before, or where it failed.</summary>
    IReadOnlyList<ShardCopy> TakenFrom(ShardKey shard);

    /// <summary>The copies of a shard as they are known by now.</summary>
    IReadOnlyList<ShardCopy> CopiesOf(ShardKey shard);
}
