using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>A shard on the server that takes points of a backup.</summary>
/// <param name="Group">The times of its group.</param>
/// <param name="Oldest">Points before this are refused by its policy; null where it keeps everything.</param>
/// <param name="IsNew">It was made by this merge, and can't have files of an earlier one.</param>
internal sealed record MergeTarget(TimeRange Group, long? Oldest, bool IsNew);

/// <summary>What was done to a shard on the server.</summary>
/// <param name="PointsWritten">Points that made their fields known.</param>
/// <param name="Fields">The fields that came in.</param>
/// <param name="Files">Names of the files that were sent.</param>
internal sealed record MergedFiles(int PointsWritten, IReadOnlyList<SamplePoint> Fields, IReadOnlyList<LiveTsmFile> Files);

/// <summary>
/// Adds files to live shards. Each archive is unpacked first, because the fields in it are made known to the server before its files come
/// (<see cref="FieldAnnouncement"/>), and because the server locks the shard during the upload. The files get names that decide
/// who wins (<see cref="MergeNumbering"/>), and after the upload they are looked for.
/// </summary>
/// <param name="client">The data node.</param>
/// <param name="http">Its HTTP API.</param>
/// <param name="announcement">Makes fields known.</param>
/// <param name="preference">Who wins.</param>
/// <param name="targets">The shards; they exist on the node.</param>
/// <param name="logger">Takes what happens on the way.</param>
internal sealed class MergeSink(
    SnapshotterClient client, InfluxHttpClient http, FieldAnnouncement announcement, MergePreference preference, IReadOnlyDictionary<ShardKey, MergeTarget> targets, ILogger logger) : IShardSink
{
    private const int PieceSize = 256 << 10;
    private const int Looks = 6;
    private const int Flushes = 20;
    private static readonly TimeSpan LookDelay = TimeSpan.FromMilliseconds(100);

    private readonly LiveShardFiles live = new(client, logger);
    private readonly ConcurrentDictionary<ShardKey, Upload> uploads = new();

    private sealed record Upload(MergedFiles Merged, IReadOnlyList<LiveTsmFile> Before, ShardStatistics? CountedBefore, long Bytes);

    /// <summary>What was done to a shard; null where nothing was.</summary>
    public MergedFiles? DoneTo(ShardKey shard) => uploads.GetValueOrDefault(shard)?.Merged;

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        using var staged = new StagedShard(archive.Content, ShardFileName.IsSafeTsmName, logger);
        await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
        var names = staged.TsmFiles;
        if (names.Count == 0)
        {
            throw new ShardSkippedException(SkipReason.Empty, "the backup has no points for it");
        }

        var before = await ListAsync(shard, cancel).ConfigureAwait(false);
        var paths = names.Select(n => staged.Find(n).Path).ToList();
        if (uploads.TryGetValue(shard, out var earlier) && earlier.Merged.Files.All(f => Has(before, f)))
        {
            // An attempt of this run that seemed to fail has done it.
            return;
        }

        var (group, oldest, isNew) = targets[shard];
        if (earlier is null && !isNew && await AreThereAsync(paths, before, cancel).ConfigureAwait(false))
        {
            throw new ShardSkippedException(SkipReason.AlreadyThere, "the shard has these files already");
        }

        var samples = TakeSamples(shard, paths, cancel);
        var written = await announcement.MakeKnownAsync(shard, group, oldest, samples, cancel).ConfigureAwait(false);
        if (preference == MergePreference.Backup)
        {
            await FlushAsync(shard, cancel).ConfigureAwait(false);
        }

        var chosen = MergeNumbering.Choose(preference, names.Count, before.Select(f => f.Name).ToList(), shard);
        var files = names.Zip(chosen, (old, name) => (staged.Find(old).Path, name, staged.Find(old).Modified)).ToList();
        var sent = await HashAsync(files.Select(f => (f.Path, f.name)), cancel).ConfigureAwait(false);
        var counted = await CountAsync(shard, cancel).ConfigureAwait(false);
        var tar = new StagedShardStream(shard, files, staged);
        await using (tar.ConfigureAwait(false))
        {
            // Known before the first byte goes out: what comes of a broken upload is looked for by these names.
            uploads[shard] = new Upload(new MergedFiles(written, samples, sent), before, counted, 0);
            var bytes = await SendAsync(shard, tar, cancel).ConfigureAwait(false);
            uploads[shard] = uploads[shard] with { Bytes = bytes };
        }
    }

    /// <inheritdoc/>
    public async Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var upload = uploads[shard];
        for (var look = 1; ; look++)
        {
            if (await HasArrivedAsync(shard, upload, cancel).ConfigureAwait(false))
            {
                return new ShardReceipt(upload.Bytes, shard.Id);
            }

            if (look == Looks)
            {
                throw new InfluxBackupException(
                    "ShardUploadLost", ErrorKind.InvalidData, $"Data node {client.Address} took the files for {shard} without complaint, but the shard does not hold them.")
                {
                    Subject = shard.ToString(),
                    Remedy = "Its log has the reason, in lines with service=snapshot or about this shard.",
                    IsTransient = true,
                };
            }

            logger.LogDebug("{Shard} does not show its new files yet; looking again.", shard);
            await Task.Delay(LookDelay * look, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>What was sent stays: it is complete files with points of the backup, and a server takes none back.</summary>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;

    /// <summary>
    /// What is in the write cache wins over files. And more than that: a server that has opened a shard again may leave points in its log that
    /// are in files already, until there was a write and then a flush; it reads them back at the next opening, which an upload brings about.
    /// So the flush comes after the points that were written just now. What is written later may win.
    /// </summary>
    private async Task FlushAsync(ShardKey shard, CancellationToken cancel)
    {
        for (var attempt = 1; !await client.FlushAsync(shard.Id, cancel).ConfigureAwait(false); attempt++)
        {
            if (attempt == Flushes)
            {
                throw new InfluxBackupException("ShardBusy", ErrorKind.Busy, $"Data node {client.Address} did not flush the write cache of {shard} in {Flushes} attempts: points in it would win over those of the backup.")
                {
                    Subject = shard.ToString(),
                    IsTransient = true,
                };
            }

            await Task.Delay(LookDelay * attempt, cancel).ConfigureAwait(false);
        }
    }

    private static IReadOnlyList<SamplePoint> TakeSamples(ShardKey shard, List<string> paths, CancellationToken cancel)
    {
        var files = new List<TsmFile>();
        try
        {
            files.AddRange(paths.Select(TsmFile.Open));
            return FieldSamples.Take(shard, files, cancel);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(paths[Math.Min(files.Count, paths.Count - 1)], e);
        }
        finally
        {
            files.ForEach(f => f.Dispose());
        }
    }

    /// <summary>Where the backup must lose, its files lie in the first generation, which comes first: no need to read on.</summary>
    private Task<IReadOnlyList<LiveTsmFile>> ListAsync(ShardKey shard, CancellationToken cancel) =>
        live.ReadAsync(shard, preference == MergePreference.Existing ? static name => !MergeNumbering.IsGenerationZero(name) : null, cancel);

    private static bool Has(IReadOnlyList<LiveTsmFile> live, LiveTsmFile file) => live.Any(f => f.Name == file.Name && f.Size == file.Size);

    /// <summary>
    /// Whether a shard has all files, whatever their names, in the same order, and without deletes. Where the backup must win, nothing may
    /// come after them.
    /// </summary>
    private async Task<bool> AreThereAsync(List<string> paths, IReadOnlyList<LiveTsmFile> all, CancellationToken cancel)
    {
        var live = preference == MergePreference.Existing ? all : all.TakeLast(paths.Count).ToList();
        var sizes = live.Select(f => f.Size).ToHashSet();
        var next = 0;
        foreach (var path in paths)
        {
            if (!sizes.Contains(new FileInfo(path).Length))
            {
                return false;
            }

            var hash = await HashAsync(path, cancel).ConfigureAwait(false);
            while (next < live.Count && (live[next].Sha256 != hash || live[next].HasTombstone))
            {
                next++;
            }

            if (next++ == live.Count)
            {
                return false;
            }
        }

        return true;
    }

    private static async Task<IReadOnlyList<LiveTsmFile>> HashAsync(IEnumerable<(string Path, string Name)> files, CancellationToken cancel)
    {
        var hashed = new List<LiveTsmFile>();
        foreach (var (path, name) in files)
        {
            hashed.Add(new LiveTsmFile(name, new FileInfo(path).Length, await HashAsync(path, cancel).ConfigureAwait(false)));
        }

        return hashed;
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancel)
    {
        var file = new FileStream(path, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
        await using (file.ConfigureAwait(false))
        {
            return Convert.ToHexString(await SHA256.HashDataAsync(file, cancel).ConfigureAwait(false));
        }
    }

    private async Task<long> SendAsync(ShardKey shard, StagedShardStream tar, CancellationToken cancel)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            var upload = await client.BeginUploadAsync(shard.Id, cancel).ConfigureAwait(false);
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

    private async Task<bool> HasArrivedAsync(ShardKey shard, Upload upload, CancellationToken cancel)
    {
        var files = upload.Merged.Files;
        if (upload.CountedBefore is { } before && await CountAsync(shard, cancel).ConfigureAwait(false) is { } now
            && now.TsmFiles == before.TsmFiles + files.Count && now.DiskBytes == before.DiskBytes + files.Sum(f => f.Size))
        {
            return true;
        }

        var there = await ListAsync(shard, cancel).ConfigureAwait(false);
        var lost = files.Where(f => !Has(there, f)).ToList();
        return lost.Count == 0 || WereCompacted(lost, upload.Before, there);
    }

    /// <summary>
    /// Files that have gone were compacted with what is next to them if there is a file now that came of a compaction, is
    /// later in the order, and was not there before.
    /// </summary>
    private static bool WereCompacted(List<LiveTsmFile> lost, IReadOnlyList<LiveTsmFile> before, IReadOnlyList<LiveTsmFile> there)
    {
        var old = before.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        return lost.All(l => there.Any(t => !old.Contains(t.Name) && ShardFileName.IsCompacted(t.Name) && string.CompareOrdinal(t.Name, l.Name) > 0));
    }

    /// <summary>The server's own count, a second opinion; without it the shard is read.</summary>
    private async Task<ShardStatistics?> CountAsync(ShardKey shard, CancellationToken cancel)
    {
        try
        {
            return (await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false)).GetValueOrDefault(shard.Id);
        }
        catch (InfluxBackupException e)
        {
            logger.LogDebug("{Message} {Shard} is read instead.", e.Message, shard);
            return null;
        }
    }
}
