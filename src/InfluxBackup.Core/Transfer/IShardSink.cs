using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>Where shards go: a backup set, a live server, or nowhere but through the checks.</summary>
public interface IShardSink
{
    /// <summary>
    /// Takes one shard: reads <paramref name="archive"/> to its end (it throws when the stream breaks a rule) and keeps what
    /// it read. Starts from nothing at every call; what an earlier attempt left is thrown away.
    /// </summary>
    Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel);

    /// <summary>
    /// Called once the source has confirmed the archive: only now does the shard count. Returns what the user should know.
    /// </summary>
    Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel);

    /// <summary>Called when the shard has failed for good: removes what the attempts left.</summary>
    Task DiscardAsync(ShardKey shard);
}

/// <summary>What a sink says of a shard it has taken.</summary>
/// <param name="StoredBytes">Bytes written at the target: compressed for a backup set, as sent for a server.</param>
/// <param name="TargetId">The shard's id at the target, where it has one of its own.</param>
/// <param name="Warnings">What the user should know.</param>
public sealed record ShardReceipt(long StoredBytes, ulong? TargetId = null, IReadOnlyList<string>? Warnings = null);
