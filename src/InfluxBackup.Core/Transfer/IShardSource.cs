using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>Where shards come from: a live server, a backup set, directories.</summary>
public interface IShardSource
{
    /// <summary>How many shards may be read at once unless the caller wants otherwise.</summary>
    int PreferredParallelism { get; }

    /// <summary>
    /// Which of the waiting shards to begin with now, by its index: one whose host has time. They come with the largest first, and the
    /// first is the answer of a source that has one host only.
    /// </summary>
    int ChooseNext(IReadOnlyList<ShardTask> waiting) => 0;

    /// <summary>
    /// Opens the tar stream of one shard, from its first byte. Called again for every attempt.
    /// Errors are <see cref="InfluxBackupException"/>s whose <see cref="InfluxBackupException.IsTransient"/> says whether to try again.
    /// </summary>
    Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel);

    /// <summary>
    /// Asked after the archive has been read and found well-formed: is it also all there is? A server that drops a shard
    /// while sending it ends the stream properly, with files missing. Throws when the archive can't be trusted.
    /// </summary>
    Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel);
}

/// <summary>The bytes of one shard on their way, with what the source knows about them.</summary>
public sealed record ShardStream : IAsyncDisposable
{
    public ShardStream(Stream content) => Content = content;

    /// <summary>The tar stream; reading it to its end is the only way to know that it is complete.</summary>
    public Stream Content { get; }

    /// <summary>The shard whose directory stands before the names in the tar; that which was asked for unless given.</summary>
    public ShardKey? ContentKey { get; init; }

    /// <summary>What the user should know about this attempt, for instance that the write cache could not be flushed.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>It comes from a server: what arrives broken now may arrive whole the next time. A damaged file stays damaged.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>Length of the tar stream where it is known beforehand.</summary>
    public long? ExpectedLength { get; init; }

    /// <summary>SHA-256 of the tar stream where it is known beforehand, lower-case hex.</summary>
    public string? ExpectedSha256 { get; init; }

    /// <summary>Whether the stream is to be hashed on its way. Not where a hash around it has been checked, or nobody asks.</summary>
    public bool IsHashed { get; init; } = true;

    /// <summary>Whether the head and foot of TSM files are checked on the way. Not where the sink opens them.</summary>
    public bool AreTsmEndsChecked { get; init; } = true;

    /// <summary>Released when the stream is closed: a place in a queue, or whatever else the stream was opened with.</summary>
    public IDisposable? Held { get; init; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await Content.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            Held?.Dispose();
        }
    }
}
