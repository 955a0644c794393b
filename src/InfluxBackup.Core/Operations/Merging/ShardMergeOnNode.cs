using System.Buffers;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>A file that is to come into a shard.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Size">Its length.</param>
/// <param name="Sha256">Its content.</param>
/// <param name="Modified">When it was written, UTC.</param>
internal sealed record FileToMerge(string Path, long Size, string Sha256, DateTime Modified);

/// <summary>
/// One shard on one data node that gets files: looked at, sent under names of its own, and looked for afterwards. Nodes name the files of
/// a shard as they flush and compact it, so each has its own names.
/// </summary>
internal sealed class ShardMergeOnNode(LiveNode node, ShardKey shard, MergePreference preference, ILogger logger)
{
    private const int PieceSize = 256 << 10;
    private const int Looks = 6;
    private const int Flushes = 20;
    private static readonly TimeSpan LookDelay = TimeSpan.FromMilliseconds(100);

    private readonly LiveShardFiles live = new(node.Client, logger);
    private IReadOnlyList<LiveTsmFile> before = [];
    private ShardStatistics? countedBefore;

    public LiveNode Node => node;

    /// <summary>The files are there and were looked at.</summary>
    public bool IsDone { get; private set; }

    /// <summary>The files were there before anything was sent.</summary>
    public bool WasThere { get; private set; }

    /// <summary>The files that were sent, under the names that they have on the node.</summary>
    public IReadOnlyList<LiveTsmFile> Sent { get; private set; } = [];

    /// <summary>Bytes sent.</summary>
    public long Bytes { get; private set; }

    /// <summary>What the last attempt came to.</summary>
    public InfluxBackupException? Error { get; set; }

    /// <summary>Looks at the shard as it is.</summary>
    /// <param name="files">What is to come.</param>
    /// <param name="isNew">It was made by this merge, and can't have files of an earlier one.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task LookAsync(IReadOnlyList<FileToMerge> files, bool isNew, CancellationToken cancel)
    {
        before = await ListAsync(isNew, cancel).ConfigureAwait(false);
        // What seemed to fail may have been done.
        IsDone = Sent.Count > 0 && Sent.All(f => Has(before, f));
        WasThere = !IsDone && Sent.Count == 0 && !isNew && AreThere(files);
        IsDone |= WasThere;
    }

    /// <summary>Sends the files.</summary>
    public async Task SendAsync(IReadOnlyList<FileToMerge> files, CancellationToken cancel)
    {
        if (preference == MergePreference.Backup)
        {
            await FlushAsync(cancel).ConfigureAwait(false);
        }

        var names = MergeNumbering.Choose(preference, files.Count, before.Select(f => f.Name).ToList(), shard);
        // Known before the first byte goes out: what comes of a broken upload is looked for by these names.
        Sent = files.Zip(names, (f, name) => new LiveTsmFile(name, f.Size, f.Sha256)).ToList();
        countedBefore = await CountAsync(cancel).ConfigureAwait(false);
        var tar = new StagedShardStream(shard, files.Zip(names, (f, name) => (f.Path, name, f.Modified)).ToList(), NotOwned.Instance);
        await using (tar.ConfigureAwait(false))
        {
            Bytes = await UploadAsync(tar, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Looks for the files that were sent.</summary>
    /// <exception cref="InfluxBackupException">They are not there.</exception>
    public async Task VerifyAsync(CancellationToken cancel)
    {
        for (var look = 1; !await HasArrivedAsync(cancel).ConfigureAwait(false); look++)
        {
            if (look == Looks)
            {
                throw new InfluxBackupException(
                    "ShardUploadLost", ErrorKind.InvalidData, $"Data node {node.Client.Address} took the files for {shard} without complaint, but the shard does not hold them.")
                {
                    Subject = shard.ToString(),
                    Remedy = "Its log has the reason, in lines with service=snapshot or about this shard.",
                    IsTransient = true,
                };
            }

            logger.LogDebug("{Shard} on {Node} does not show its new files yet; looking again.", shard, node);
            await Task.Delay(LookDelay * look, cancel).ConfigureAwait(false);
        }

        IsDone = true;
    }

    /// <summary>
    /// Where the backup must lose, its files lie in the first generation, which comes first: no need to read on. A node of a cluster may not
    /// have made the shard yet.
    /// </summary>
    private async Task<IReadOnlyList<LiveTsmFile>> ListAsync(bool isNew, CancellationToken cancel)
    {
        var open = await node.Client.ReadShardsAsync(shard.Database, shard.RetentionPolicy, cancel).ConfigureAwait(false);
        if (open is null && !isNew)
        {
            // No answer is not the answer that there is no shard: names chosen without those that are there may be in the wrong order.
            throw new InfluxBackupException("ShardNotShown", ErrorKind.Connection, $"Data node {node.Client.Address} does not say which shards of {shard.Database}.{shard.RetentionPolicy} it has.")
            {
                Subject = shard.ToString(),
                Remedy = "Its log may have the reason, in lines with service=snapshot.",
                IsTransient = true,
            };
        }

        return open?.Contains(shard) == true
            ? await live.ReadAsync(shard, preference == MergePreference.Existing ? static name => !MergeNumbering.IsGenerationZero(name) : null, cancel).ConfigureAwait(false)
            : [];
    }

    private static bool Has(IReadOnlyList<LiveTsmFile> live, LiveTsmFile file) => live.Any(f => f.Name == file.Name && f.Size == file.Size);

    /// <summary>
    /// Whether a shard has all files, whatever their names, in the same order, and without deletes. Where the backup must win, nothing may
    /// come after them.
    /// </summary>
    private bool AreThere(IReadOnlyList<FileToMerge> files)
    {
        var there = preference == MergePreference.Existing ? before : before.TakeLast(files.Count).ToList();
        var next = 0;
        foreach (var file in files)
        {
            while (next < there.Count && (there[next].Sha256 != file.Sha256 || there[next].HasTombstone))
            {
                next++;
            }

            if (next++ >= there.Count)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// What is in the write cache wins over files. And more than that: a server that has opened a shard again may leave points in its log that
    /// are in files already, until there was a write and then a flush; it reads them back at the next opening, which an upload brings about.
    /// So the flush comes after the points that were written just now. What is written later may win.
    /// </summary>
    private async Task FlushAsync(CancellationToken cancel)
    {
        for (var attempt = 1; !await node.Client.FlushAsync(shard.Id, cancel).ConfigureAwait(false); attempt++)
        {
            if (attempt == Flushes)
            {
                throw new InfluxBackupException("ShardBusy", ErrorKind.Busy, $"Data node {node.Client.Address} did not flush the write cache of {shard} in {Flushes} attempts: points in it would win over those of the backup.")
                {
                    Subject = shard.ToString(),
                    IsTransient = true,
                };
            }

            await Task.Delay(LookDelay * attempt, cancel).ConfigureAwait(false);
        }
    }

    private async Task<long> UploadAsync(StagedShardStream tar, CancellationToken cancel)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            var upload = await node.Client.BeginUploadAsync(shard.Id, cancel).ConfigureAwait(false);
            await using (upload.ConfigureAwait(false))
            {
                for (int read; (read = await tar.ReadAtLeastAsync(buffer, PieceSize, throwOnEndOfStream: false, cancel).ConfigureAwait(false)) > 0;)
                {
                    await upload.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
                }

                await upload.CompleteAsync(cancel).ConfigureAwait(false);
                return upload.Sent;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<bool> HasArrivedAsync(CancellationToken cancel)
    {
        if (countedBefore is { } old && await CountAsync(cancel).ConfigureAwait(false) is { } now
            && now.TsmFiles == old.TsmFiles + Sent.Count && now.DiskBytes == old.DiskBytes + Sent.Sum(f => f.Size))
        {
            return true;
        }

        var there = await ListAsync(isNew: false, cancel).ConfigureAwait(false);
        var lost = Sent.Where(f => !Has(there, f)).ToList();
        return lost.Count == 0 || WereCompacted(lost, there);
    }

    /// <summary>
    /// Files that have gone were compacted with what is next to them if there is a file now that came of a compaction, is
    /// later in the order, and was not there before.
    /// </summary>
    private bool WereCompacted(List<LiveTsmFile> lost, IReadOnlyList<LiveTsmFile> there)
    {
        var old = before.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        return lost.All(l => there.Any(t => !old.Contains(t.Name) && ShardFileName.IsCompacted(t.Name) && string.CompareOrdinal(t.Name, l.Name) > 0));
    }

    /// <summary>The server's own count, a second opinion; without it the shard is read.</summary>
    private async Task<ShardStatistics?> CountAsync(CancellationToken cancel)
    {
        try
        {
            return (await node.HttpOf().ReadShardStatisticsAsync(cancel).ConfigureAwait(false)).GetValueOrDefault(shard.Id);
        }
        catch (InfluxBackupException e)
        {
            logger.LogDebug("{Message} {Shard} is read instead.", e.Message, shard);
            return null;
        }
    }

    /// <summary>The files stay where they are: they go to several nodes.</summary>
    private sealed class NotOwned : IDisposable
    {
        public static NotOwned Instance { get; } = new();

        public void Dispose()
        {
        }
    }
}
