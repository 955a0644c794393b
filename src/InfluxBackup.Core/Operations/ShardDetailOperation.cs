using System.Collections.Concurrent;
using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using InfluxBackup.Wal;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>How to read shards for their details.</summary>
public sealed record ShardDetailOptions : OperationOptions;

/// <summary>
/// Reads shards through and counts what they hold: series, points, times, deletes that pend. A shard that can't be read is in the result
/// with its error; the others are not the worse for it.
/// </summary>
public sealed class ShardDetailOperation(ShardDetailOptions options)
{
    /// <summary>The shards of one backup, the newest unless named.</summary>
    public async Task<IReadOnlyList<ShardInfo>> ReadBackupAsync(string path, string? timestamp, ShardSelection selection, CancellationToken cancel)
    {
        var info = CatalogOperation.ReadBackup(path, timestamp, selection);
        var backup = BackupSet.Open(path).Find(info.Timestamp);
        var described = info.Shards.ToDictionary(s => new ShardKey(s.Database, s.RetentionPolicy, s.ShardId));
        var stored = backup.Shards().Where(s => described.ContainsKey(s.Key)).ToDictionary(s => s.Key, s => new StoredShard(backup, s.Entry));
        var tasks = described.Keys.Select(k => new ShardTask(k, stored[k].Entry.Size)).ToList();
        var transfer = new ShardTransfer(options.Transfer with { MaxAttempts = 1, Logger = NullLogger.Instance });
        var sink = new CountingSink(described);
        // Counting is no test: the checksum of the compression is all that is compared.
        var source = new PortableShardSource(stored, StoredHashes.None, checksTsmEnds: false);
        var results = await transfer.RunAsync(tasks, source, sink, cancel).ConfigureAwait(false);
        return results.Select(r => r.Error is null ? sink.Counted[r.Shard] : Failed(described[r.Shard], r.Error)).ToList();
    }

    /// <summary>The shards in the directories of a stopped server.</summary>
    public async Task<ShardCatalog> ReadDirectoriesAsync(ServerDirectories directories, ShardSelection selection, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(directories);
        var listing = directories.ReadShards(selection, cancel);
        var warnings = new ConcurrentBag<string>();
        var progress = new DirectoryProgress(options.Progress, listing.Shards);
        var details = new ShardInfo[listing.Shards.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism ?? Environment.ProcessorCount, CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(0, details.Length), parallel, (index, token) =>
        {
            var files = listing.Shards[index];
            progress.Begin(files);
            try
            {
                details[index] = Read(files, warnings, token);
            }
            catch (InfluxBackupException e)
            {
                details[index] = Failed(CatalogOperation.Describe(files), e);
            }

            progress.End(files, details[index].Error);
            return default;
        }).ConfigureAwait(false);
        return new ShardCatalog(details, [.. listing.Warnings, .. warnings.Order(StringComparer.Ordinal)]);
    }

    private static ShardInfo Read(ShardFiles files, ConcurrentBag<string> warnings, CancellationToken cancel)
    {
        using var contents = new ShardContents(files.Shard);
        var path = "";
        try
        {
            foreach (var tombstone in files.Tombstones.Values)
            {
                path = tombstone;
                var stream = File.OpenRead(path);
                contents.ReadTombstone(Path.GetFileName(path), stream, stream.Length, cancel);
            }

            foreach (var tsm in files.TsmFiles)
            {
                path = tsm;
                using var file = TsmFile.Open(path);
                contents.ReadTsm(Path.GetFileName(path), file, cancel);
            }

            foreach (var segment in files.WalSegments)
            {
                path = segment;
                using var reader = WalSegmentReader.Open(path);
                contents.ReadWal(reader, cancel);
                if (reader.Warning is { } warning)
                {
                    warnings.Add(warning);
                }
            }

            return contents.Describe(CatalogOperation.Describe(files));
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }
    }

    private static ShardInfo Failed(ShardInfo info, InfluxBackupException error) =>
        // No room for temporary files is no news of the shard.
        error.Kind == ErrorKind.Write ? throw error : info with { Error = error };

    /// <summary>Takes shards to count what is in them.</summary>
    private sealed class CountingSink(Dictionary<ShardKey, ShardInfo> described) : IShardSink
    {
        private readonly StagingArea area = new();

        public ConcurrentDictionary<ShardKey, ShardInfo> Counted { get; } = new();

        public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
        {
            using var contents = new ShardContents(shard);
            await new StagedArchive(shard, contents, area).ReadAsync(archive, cancel).ConfigureAwait(false);
            Counted[shard] = contents.Describe(described[shard]);
        }

        public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) => Task.FromResult(new ShardReceipt(0));

        public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;
    }

    /// <summary>Reports the beginning and the end of each shard.</summary>
    private sealed class DirectoryProgress(IProgress<TransferProgress>? progress, IReadOnlyList<ShardFiles> shards)
    {
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private readonly long total = shards.Sum(s => s.Bytes);
        private long bytes;
        private int done;

        public void Begin(ShardFiles shard) => Report(shard, ShardPhase.Started, 0, null);

        public void End(ShardFiles shard, InfluxBackupException? error)
        {
            Interlocked.Add(ref bytes, shard.Bytes);
            Interlocked.Increment(ref done);
            Report(shard, ShardPhase.Finished, shard.Bytes, new ShardResult
            {
                Shard = shard.Shard,
                Outcome = error is null ? ShardOutcome.Complete : ShardOutcome.Failed,
                Error = error,
            });
        }

        private void Report(ShardFiles shard, ShardPhase phase, long shardBytes, ShardResult? result) => progress?.Report(new TransferProgress(
            shard.Shard, phase, shardBytes, shard.Bytes, Interlocked.Read(ref bytes), total, Volatile.Read(ref done), shards.Count, clock.Elapsed, result));
    }
}
