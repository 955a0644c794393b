using System.Globalization;
using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>One shard that a backup will take.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="ExpectedBytes">About how long its tar stream will be, where somebody could be asked.</param>
public sealed record PlannedBackupShard(ShardDescription Shard, long? ExpectedBytes)
{
    /// <summary>The copies that a cluster has of it; empty on a single server.</summary>
    public IReadOnlyList<ShardCopy> Copies { get; init; } = [];

    /// <summary>The data node that it will come from, unless that one can't give it; null on a single server.</summary>
    public string? DataNode { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Shard.Key.ToString();
}

/// <summary>One shard that has not changed since the set got it.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Timestamp">The backup of the set that has it.</param>
public sealed record UnchangedShard(ShardDescription Shard, string Timestamp);

/// <summary>What a backup will do, shard by shard.</summary>
public sealed record BackupPlan
{
    /// <summary>Whom the metadata come from: a data node, or the meta nodes of a cluster.</summary>
    public required string Source { get; init; }

    /// <summary>The server; null for a cluster.</summary>
    public string? DataNode { get; init; }

    public required BackupStrategy Strategy { get; init; }

    public required string Path { get; init; }

    public string? ServerVersion { get; init; }

    public required IReadOnlyList<PlannedBackupShard> Shards { get; init; }

    /// <summary>Shards that were asked for and that the set has as they are.</summary>
    public IReadOnlyList<UnchangedShard> Unchanged { get; init; } = [];

    /// <summary>The metadata as they came.</summary>
    internal ReadOnlyMemory<byte> MetadataBytes { get; init; }

    /// <summary>Not public: they hold the hashes of passwords, and plans are shown, logged and turned into JSON.</summary>
    internal ServerMetadata Metadata { get; init; } = null!;

    /// <summary>Shards that were asked for and are on other nodes of a cluster only.</summary>
    public IReadOnlyList<ShardDescription> Elsewhere { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Bytes read and compressed in a second; only where it was measured, see <see cref="BackupOperation.EstimateAsync"/>.</summary>
    public double? EstimatedBytesPerSecond { get; init; }

    /// <summary>How long the backup will take; only where speed and sizes are known.</summary>
    public TimeSpan? EstimatedDuration { get; init; }

    /// <summary>Bytes to read, where they are known.</summary>
    public long? ExpectedBytes => Shards.All(s => s.ExpectedBytes is not null) ? Shards.Sum(s => s.ExpectedBytes) : null;

    /// <summary>The plan in one sentence.</summary>
    public override string ToString()
    {
        var databases = Shards.Select(s => s.Shard.Key.Database).Distinct().Count();
        var size = ExpectedBytes is { } bytes ? $", about {ByteSize.Format(bytes)}" : "";
        var time = EstimatedDuration is { } duration ? string.Create(CultureInfo.InvariantCulture, $" in about {(int)duration.TotalHours}{duration:\\:mm\\:ss}") : "";
        var unchanged = Unchanged.Count > 0 ? $" ({Unchanged.Count} unchanged)" : "";
        var what = Strategy == BackupStrategy.MetadataOnly ? "metadata" : $"metadata and {Count.Of(Shards.Count, "shard")} of {Count.Of(databases, "database")}{size}{time}{unchanged}";
        return $"{what} from {Source} into '{Path}'";
    }
}
