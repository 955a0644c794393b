using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>Unpacks the archive of one shard, from a set or a server, into temporary files, because a TSM file is read from its end.</summary>
internal static class ShardStage
{
    /// <summary>Carries the shard over by the same loop, with the same checks and retries, as every other transfer.</summary>
    public static async Task<LocalShard> OpenAsync(
        ExportShard shard, IShardSource source, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel)
    {
        var sink = new StagingSink(shard.Key, options.Logger);
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
    private sealed class StagingSink(ShardKey shard, ILogger logger) : IShardSink, IDisposable
    {
        private StagedShard? staged;

        public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
        {
            staged?.Dispose();
            staged = new StagedShard(shard, name => !name.Contains('/', StringComparison.Ordinal) && (ShardFileName.IsTsm(name) || ShardFileName.IsTombstone(name)), logger);
            await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
        }

        public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) => Task.FromResult(new ShardReceipt(0));

        public Task DiscardAsync(ShardKey shard)
        {
            Dispose();
            return Task.CompletedTask;
        }

        /// <summary>By name, which is by age.</summary>
        public void AddFiles(LocalShard local, CancellationToken cancel)
        {
            var names = staged?.Names.ToHashSet(StringComparer.Ordinal) ?? [];
            foreach (var name in names.Where(ShardFileName.IsTsm).Order(StringComparer.Ordinal))
            {
                var tombstone = Path.ChangeExtension(name, ".tombstone");
                local.Add(staged!.PathOf(name), names.Contains(tombstone) ? staged.PathOf(tombstone) : null, cancel);
            }
        }

        public void Dispose()
        {
            staged?.Dispose();
            staged = null;
        }

        public override string ToString() => $"temporary files of {shard}";
    }
}
