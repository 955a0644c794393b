using InfluxBackup.Tsm;

namespace InfluxBackup.Metadata;

/// <summary>What a shard of the target takes of a shard of the source.</summary>
/// <param name="Source">The shard of the source.</param>
/// <param name="Times">Which times of it; all where null.</param>
/// <param name="Slot">Which of its series: those whose <see cref="SeriesSlot"/> among <paramref name="Slots"/> is this.</param>
/// <param name="Slots">How many slots there are; 1 is all series.</param>
public sealed record ShardPiece(ShardKey Source, TimeRange? Times, int Slot, int Slots)
{
    /// <summary>Whether it is everything that the source holds, whatever that is.</summary>
    public bool IsWhole => Times is null && Slots == 1;

    /// <summary>Everything of a shard.</summary>
    public static ShardPiece Whole(ShardKey source) => new(source, null, 0, 1);
}

/// <summary>A shard of the target and what goes into it.</summary>
/// <param name="Key">The shard.</param>
/// <param name="Owners">Ids of the data nodes that hold it; empty on a single server.</param>
/// <param name="Pieces">The pieces, those of older shard groups first: of points at the same time the last one's wins.</param>
public sealed record TargetShard(ShardKey Key, IReadOnlyList<ulong> Owners, IReadOnlyList<ShardPiece> Pieces)
{
    /// <summary>The shards of the source that are needed, in the order of the pieces.</summary>
    public IEnumerable<ShardKey> Sources => Pieces.Select(p => p.Source).Distinct();

    /// <summary>Whether it is one shard of the source, as that is.</summary>
    public bool IsOneWhole => Pieces is [{ IsWhole: true }];
}

/// <summary>Times of a source for which the target has no shard group, so that points of these times have nowhere to go.</summary>
/// <param name="Source">The shard of the source.</param>
/// <param name="Database">The database of the target.</param>
/// <param name="RetentionPolicy">The policy of the target.</param>
/// <param name="Times">The times.</param>
public sealed record UnplacedTimes(ShardKey Source, string Database, string RetentionPolicy, TimeRange Times);

/// <summary>A shard group that the target lacks.</summary>
/// <param name="Database">The database of the target.</param>
/// <param name="RetentionPolicy">The policy of the target.</param>
/// <param name="Time">A time that the group has to contain, nanoseconds since 1970.</param>
public sealed record MissingShardGroup(string Database, string RetentionPolicy, long Time);
