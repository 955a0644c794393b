using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>One shard that a backup will take.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="ExpectedBytes">About how long its tar stream will be, where the server's HTTP API could be asked.</param>
public sealed record PlannedBackupShard(ShardDescription Shard, long? ExpectedBytes)
{
    /// <inheritdoc/>
    public override string ToString() => Shard.Key.ToString();
}

/// <summary>What a backup will do, shard by shard.</summary>
public sealed record BackupPlan
{
    public required string DataNode { get; init; }

    public required string Path { get; init; }

    public string? ServerVersion { get; init; }

    public required IReadOnlyList<PlannedBackupShard> Shards { get; init; }

    public required MetastoreBackup Metastore { get; init; }

    public required ServerMetadata Metadata { get; init; }

    /// <summary>Shards that were asked for and are on other nodes of a cluster only.</summary>
    public IReadOnlyList<ShardDescription> Elsewhere { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Bytes to read, where they are known.</summary>
    public long? ExpectedBytes => Shards.All(s => s.ExpectedBytes is not null) ? Shards.Sum(s => s.ExpectedBytes) : null;

    /// <summary>The plan in one sentence.</summary>
    public override string ToString()
    {
        var databases = Shards.Select(s => s.Shard.Key.Database).Distinct().Count();
        var size = ExpectedBytes is { } bytes ? $", about {ByteSize.Format(bytes)}" : "";
        return $"metadata and {Count.Of(Shards.Count, "shard")} of {Count.Of(databases, "database")}{size} from {DataNode} into '{Path}'";
    }
}
