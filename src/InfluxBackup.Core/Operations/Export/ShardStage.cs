using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>Unpacks the archive of one shard, from a set or a server, because a TSM file is read from its end.</summary>
internal static class ShardStage
{
    /// <summary>Carries the shard over by the same loop, with the same checks and retries, as every other transfer.</summary>
    public static async Task<LocalShard> OpenAsync(
        ExportShard shard, IShardSource source, StagingArea area, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel)
    {
        var sink = new StagingSink(shard.Key, area);
        try
        {
            var transfer = new ShardTransfer(options.Transfer with { Parallelism = 1, Progress = null });
            var result = (await transfer.RunAsync([new ShardTask(shard.Key, shard.Bytes)], source, sink, cancel).ConfigureAwait(false))[0];
            if (result.Error is { } error)
            {
                throw error;
            }

            var local = new LocalShard(shard.Key, salvage);
            local.Own(sink);
            try
            {
                local.Warnings.AddRange(result.Warnings);
                if (result.Outcome == ShardOutcome.Skipped)
                {
                    local.Warnings.Add($"{shard.Key} was {result.Reason} and is not exported.");
                    return local;
                }

                sink.AddFiles(local, cancel);
                return local;
            }
            catch
            {
                local.Dispose();
                throw;
            }
        }
        catch
        {
            sink.Dispose();
            throw;
        }
    }

    /// <summary>Keeps the files of the attempt that succeeds.</summary>
    private sealed class StagingSink(ShardKey shard, StagingArea area) : IShardSink, ITarVisitor, IDisposable
    {
        private readonly string prefix = shard.Path + "/";
        private readonly List<StagedFile> files = [];
        private StagedFile? current;

        public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
        {
            Dispose();
            var scanner = new TarScanner(this, shard.ToString());
            while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
            {
                scanner.Append(piece.Span);
            }
        }

        public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) => Task.FromResult(new ShardReceipt(0));

        public Task DiscardAsync(ShardKey shard)
        {
            Dispose();
            return Task.CompletedTask;
        }

        /// <summary>By name, which is by age. Of two entries of one name the later one counts, as it does when a tar is unpacked.</summary>
        public void AddFiles(LocalShard local, CancellationToken cancel)
        {
            var newest = files.GroupBy(f => f.Name).ToDictionary(g => g.Key, g => g.Last(), StringComparer.Ordinal);
            foreach (var file in newest.Values.Where(f => ShardFileName.IsTsm(f.Name)).OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                var tombstone = newest.GetValueOrDefault(Path.ChangeExtension(file.Name, ".tombstone"));
                local.Add(file.Name, file.OpenTsm, tombstone is null ? null : () => TombstoneFile.Open(tombstone.OpenStream(), tombstone.Name), cancel);
            }
        }

        public void Begin(string name, long size, DateTime modified)
        {
            var file = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            var isWanted = !file.Contains('/', StringComparison.Ordinal) && (ShardFileName.IsTsm(file) || ShardFileName.IsTombstone(file));
            current = isWanted ? area.Begin(file, size) : null;
            if (current is not null)
            {
                files.Add(current);
            }
        }

        public void Data(ReadOnlySpan<byte> data) => current?.Write(data);

        public void End() => current = null;

        public void Dispose()
        {
            files.ForEach(f => f.Dispose());
            files.Clear();
            current = null;
        }
    }
}
