using System.Collections.Concurrent;
using System.Diagnostics;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Snapshotter;

/// <summary>What a live source is asked to do besides sending whole shards.</summary>
public sealed record LiveShardSourceOptions
{
    /// <summary>Only shards with files modified after this time; a shard that has any is sent whole.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>How long to try for the flush barrier before a shard is read without it.</summary>
    public TimeSpan BarrierPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where given, the number of files is compared with what the server counts.</summary>
    public InfluxHttpClient? Http { get; init; }

    /// <summary>
    /// Reads the metadata that say whether a shard still exists. Those of the node itself unless given; on a cluster they may lag behind.
    /// </summary>
    public Func<CancellationToken, Task<ServerMetadata>>? ReadMetadata { get; init; }
}

/// <summary>
/// Shards of a running data node. Each shard is flushed (see <see cref="SnapshotterClient.FlushAsync"/>), read, and then
/// looked for again, because a server that drops a shard while it sends it ends the stream as if nothing had happened.
/// </summary>
public sealed class LiveShardSource(SnapshotterClient client, LiveShardSourceOptions options, ILogger logger) : IShardSource
{
    /// <summary>Id of the error that the node does not have a shard that exists.</summary>
    public const string ShardNotOpenId = "ShardNotOpen";

    private static readonly TimeSpan FirstBarrierDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestBarrierDelay = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan StatisticsAge = TimeSpan.FromSeconds(2);

    private volatile Statistics? statistics;

    // Counts that change between before and after say nothing: the server flushes and compacts as it likes.
    private readonly ConcurrentDictionary<ulong, int> filesBefore = new();

    /// <summary>
    /// Two connections read as fast as a server sends; each processor has one to check and write, and one more covers those that
    /// wait for the disk.
    /// </summary>
    public int PreferredParallelism => Math.Clamp(Environment.ProcessorCount + 1, 2, 4);

    /// <inheritdoc/>
    public async Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var warnings = new List<string>();
        if (!await FlushAsync(shard, cancel).ConfigureAwait(false))
        {
            warnings.Add($"The write cache of {shard} could not be flushed within {options.BarrierPatience.TotalSeconds:0} s because the server was flushing all the time: the newest points may be missing.");
            logger.LogWarning("{Warning}", warnings[0]);
        }

        if (options.Since is { } since && !await HasChangedAsync(shard, since, cancel).ConfigureAwait(false))
        {
            throw new ShardSkippedException(SkipReason.Unchanged, $"unchanged since {since.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}");
        }

        if (await CountFilesAsync(shard, StatisticsAge, cancel).ConfigureAwait(false) is { } files)
        {
            filesBefore[shard.Id] = files;
        }

        return new ShardStream(await client.OpenShardAsync(shard.Id, null, cancel).ConfigureAwait(false)) { IsRepeatable = true, Warnings = warnings };
    }

    /// <inheritdoc/>
    public async Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        await ThrowIfDroppedAsync(shard, cancel).ConfigureAwait(false);
        if (!filesBefore.TryRemove(shard.Id, out var before) || before == archive.TsmFiles)
        {
            return;
        }

        if (await CountFilesAsync(shard, TimeSpan.Zero, cancel).ConfigureAwait(false) == before)
        {
            throw new InfluxBackupException(
                "ShardIncomplete", ErrorKind.InvalidData, $"The archive of {shard} has {archive.TsmFiles} TSM files, the server counts {before}.")
            {
                Subject = shard.ToString(),
                IsTransient = true,
            };
        }
    }

    private async Task<bool> FlushAsync(ShardKey shard, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        for (var delay = FirstBarrierDelay; ; delay = delay < LongestBarrierDelay ? delay * 2 : LongestBarrierDelay)
        {
            if (await client.FlushAsync(shard.Id, cancel).ConfigureAwait(false))
            {
                return true;
            }

            await ThrowIfDroppedAsync(shard, cancel).ConfigureAwait(false);
            if (clock.Elapsed + delay > options.BarrierPatience)
            {
                return false;
            }

            logger.LogDebug("The server is flushing the cache of {Shard}; asking again in {Delay} ms.", shard, delay.TotalMilliseconds);
            await Task.Delay(delay, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Asks for the newer files only and looks at the first block: zeros end an archive without files.</summary>
    private async Task<bool> HasChangedAsync(ShardKey shard, DateTimeOffset since, CancellationToken cancel)
    {
        var stream = await client.OpenShardAsync(shard.Id, since, cancel).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var block = new byte[TarScanner.BlockSize];
            var read = await stream.ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
            return read < block.Length || block.AsSpan().ContainsAnyExcept((byte)0);
        }
    }

    /// <summary>
    /// A node lists only shards that are open. One that is not listed was dropped when the metadata say so too; otherwise
    /// it is in trouble, and leaving it out would be a gap in the backup.
    /// </summary>
    private async Task ThrowIfDroppedAsync(ShardKey shard, CancellationToken cancel)
    {
        var open = await client.ReadShardsAsync(shard.Database, shard.RetentionPolicy, cancel).ConfigureAwait(false);
        if (open is not null && open.Contains(shard))
        {
            return;
        }

        var metadata = options.ReadMetadata is { } read
            ? await read(cancel).ConfigureAwait(false)
            : ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, $"data node {client.Address}");
        var known = metadata.FindShard(shard.Id);
        if (known is null || known.IsDeleted || known.Key != shard)
        {
            throw new ShardSkippedException(SkipReason.Dropped, "dropped on the server while the backup ran");
        }

        throw new InfluxBackupException(
            ShardNotOpenId, ErrorKind.NotFound, $"Data node {client.Address} has {shard} in its metadata, but it is not open.")
        {
            Subject = shard.ToString(),
            Remedy = "The server failed to open the shard; its log of the last start says why.",
        };
    }

    /// <summary>
    /// The server's own count, where it can be had: it is a second opinion, and its absence no reason to fail. The server counts
    /// all shards at once, so an answer serves all shards that ask soon after; an old one can only raise a needless doubt.
    /// </summary>
    private async Task<int?> CountFilesAsync(ShardKey shard, TimeSpan oldest, CancellationToken cancel)
    {
        if (options.Http is not { } http)
        {
            return null;
        }

        try
        {
            var counts = statistics;
            if (counts is null || counts.Age.Elapsed > oldest)
            {
                counts = new Statistics(Stopwatch.StartNew(), await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false));
                statistics = counts;
            }

            return counts.Shards.TryGetValue(shard.Id, out var counted) ? counted.TsmFiles : null;
        }
        catch (InfluxBackupException e)
        {
            logger.LogWarning("The files of {Shard} could not be counted by the server: {Message}", shard, e.Message);
            return null;
        }
    }

    private sealed record Statistics(Stopwatch Age, IReadOnlyDictionary<ulong, ShardStatistics> Shards);
}
