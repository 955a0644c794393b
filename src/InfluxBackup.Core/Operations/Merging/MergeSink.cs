using System.Collections.Concurrent;
using System.Security.Cryptography;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>A shard that takes points of a backup.</summary>
/// <param name="Owners">The data nodes that hold it.</param>
/// <param name="Group">The times of its group.</param>
/// <param name="Oldest">Points before this are refused by its policy; null where it keeps everything.</param>
/// <param name="IsNew">It was made by this merge, and can't have files of an earlier one.</param>
internal sealed record MergeTarget(IReadOnlyList<LiveNode> Owners, TimeRange Group, long? Oldest, bool IsNew);

/// <summary>
/// Adds files to live shards. Each archive is unpacked first, because the fields in it are made known before its files come
/// (<see cref="FieldAnnouncement"/>), and because a server locks the shard during the upload. On each owner the files get names that decide
/// who wins (<see cref="MergeNumbering"/>), and are looked for afterwards. A shard is complete when all its owners have the files.
/// </summary>
/// <param name="announcement">Makes fields known.</param>
/// <param name="preference">Who wins.</param>
/// <param name="targets">The shards.</param>
/// <param name="logger">Takes what happens on the way.</param>
internal sealed class MergeSink(
    FieldAnnouncement announcement, MergePreference preference, IReadOnlyDictionary<ShardKey, MergeTarget> targets, ILogger logger) : IShardSink
{
    private readonly ConcurrentDictionary<ShardKey, Delivery> deliveries = new();

    private sealed class Delivery(IReadOnlyList<ShardMergeOnNode> owners)
    {
        public IReadOnlyList<ShardMergeOnNode> Owners => owners;

        public int PointsWritten { get; set; }

        public IReadOnlyList<SamplePoint> Fields { get; set; } = [];
    }

    /// <summary>Points that were written to make the fields of a shard known.</summary>
    public int PointsWrittenTo(ShardKey shard) => deliveries.GetValueOrDefault(shard)?.PointsWritten ?? 0;

    /// <summary>A point of each field that came into a shard.</summary>
    public IReadOnlyList<SamplePoint> FieldsOf(ShardKey shard) => deliveries.GetValueOrDefault(shard)?.Fields ?? [];

    /// <summary>The names of the files that came into a shard; on the first of its owners.</summary>
    public IReadOnlyList<string> FilesOf(ShardKey shard) => deliveries.GetValueOrDefault(shard)?.Owners[0].Sent.Select(f => f.Name).ToList() ?? [];

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        using var staged = new StagedShard(archive.Content, ShardFileName.IsSafeTsmName, logger);
        await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
        if (staged.TsmFiles.Count == 0)
        {
            throw new ShardSkippedException(SkipReason.Empty, "the backup has no points for it");
        }

        var target = targets[shard];
        var delivery = deliveries.GetOrAdd(shard, key => new Delivery(target.Owners.Select(o => new ShardMergeOnNode(o, key, preference, logger)).ToList()));
        var files = await DescribeAsync(staged, cancel).ConfigureAwait(false);
        await OnEachAsync(shard, delivery, o => !o.IsDone, o => o.LookAsync(files, target.IsNew, cancel)).ConfigureAwait(false);
        if (delivery.Owners.All(o => o.WasThere))
        {
            throw new ShardSkippedException(SkipReason.AlreadyThere, "the shard has these files already");
        }

        if (delivery.Owners.All(o => o.IsDone))
        {
            return;
        }

        delivery.Fields = TakeSamples(shard, target.Group, files, cancel);
        delivery.PointsWritten += await announcement.MakeKnownAsync(shard, target, delivery.Fields, cancel).ConfigureAwait(false);
        await OnEachAsync(shard, delivery, o => !o.IsDone, o => o.SendAsync(files, cancel)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var delivery = deliveries[shard];
        await OnEachAsync(shard, delivery, o => !o.IsDone, o => o.VerifyAsync(cancel)).ConfigureAwait(false);
        return new ShardReceipt(delivery.Owners.Sum(o => o.Bytes), shard.Id);
    }

    /// <summary>What was sent stays: it is complete files with points of the backup, and a server takes none back.</summary>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;

    /// <summary>Does something on some owners at once. One that fails does not stop the others.</summary>
    private static async Task OnEachAsync(ShardKey shard, Delivery delivery, Func<ShardMergeOnNode, bool> isMeant, Func<ShardMergeOnNode, Task> action)
    {
        await Task.WhenAll(delivery.Owners.Where(isMeant).Select(async owner =>
        {
            owner.Error = null;
            try
            {
                await action(owner).ConfigureAwait(false);
            }
            catch (InfluxBackupException e)
            {
                owner.Error = e;
            }
        })).ConfigureAwait(false);
        var failed = delivery.Owners.Where(o => o.Error is not null).ToList();
        if (failed.Count == 0)
        {
            return;
        }

        if (delivery.Owners.Count == 1)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed[0].Error!);
        }

        throw new InfluxBackupException(
            "ShardNotOnAllOwners",
            failed.Count == delivery.Owners.Count && failed.All(o => o.Error!.Kind == ErrorKind.Connection) ? ErrorKind.Connection : ErrorKind.InvalidData,
            $"{shard} could not be merged on {failed.Count} of its {delivery.Owners.Count} owners. {string.Join(" ", failed.Select(o => $"{o.Node.Client.Address}: {o.Error!.Message}"))}",
            failed[0].Error)
        {
            Subject = shard.ToString(),
            Remedy = "Run the same merge again: owners that have the files are passed over.",
            IsTransient = failed.Any(o => o.Error!.IsTransient),
        };
    }

    private static IReadOnlyList<SamplePoint> TakeSamples(ShardKey shard, TimeRange group, List<FileToMerge> files, CancellationToken cancel)
    {
        var open = new List<TsmFile>();
        try
        {
            open.AddRange(files.Select(f => TsmFile.Open(f.Path)));
            return FieldSamples.Take(shard, group, open, cancel);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(files[Math.Min(open.Count, files.Count - 1)].Path, e);
        }
        finally
        {
            open.ForEach(f => f.Dispose());
        }
    }

    /// <summary>The files in the order of their names, which is that of their age.</summary>
    private static async Task<List<FileToMerge>> DescribeAsync(StagedShard staged, CancellationToken cancel)
    {
        var files = new List<FileToMerge>();
        foreach (var (_, path, modified) in staged.TsmFiles.Select(staged.Find))
        {
            var file = new FileStream(path, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
            await using (file.ConfigureAwait(false))
            {
                files.Add(new FileToMerge(path, file.Length, Convert.ToHexString(await SHA256.HashDataAsync(file, cancel).ConfigureAwait(false)), modified));
            }
        }

        return files;
    }
}
