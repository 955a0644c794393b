using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations.Checks;

/// <summary>Tests the archives of one backup, each as deeply as the options want.</summary>
internal sealed class ShardTests(TestOptions options, BackupUnderTest test)
{
    /// <summary>The result of each shard, in the order of the manifest.</summary>
    public async Task<IReadOnlyList<TestedShard>> RunAsync(CancellationToken cancel)
    {
        var all = test.Shards.Keys.ToList();
        var deep = options.ReadDataSubset is { } subset ? subset.Choose(all) : options.Quick ? [] : all;
        var others = all.Except(deep).ToList();
        var results = new Dictionary<ShardKey, TestedShard>();
        if (!options.Quick)
        {
            foreach (var shard in others)
            {
                cancel.ThrowIfCancellationRequested();
                results[shard] = Glance(shard);
            }
        }
        else if (others.Count > 0)
        {
            await ReadAsync(others, new DiscardSink(), isDeep: false, results, cancel).ConfigureAwait(false);
        }

        if (deep.Count > 0)
        {
            await ReadAsync(all.Where(deep.Contains).ToList(), new ExaminationSink(test), isDeep: true, results, cancel).ConfigureAwait(false);
        }

        return all.Select(s => results[s]).ToList();
    }

    private async Task ReadAsync(List<ShardKey> shards, IShardSink sink, bool isDeep, Dictionary<ShardKey, TestedShard> results, CancellationToken cancel)
    {
        // One hash of all bytes finds every change; a second would cost as much again and find none.
        var source = new PortableShardSource(test.Shards, StoredHashes.One, checksTsmEnds: !isDeep);
        var transfer = new ShardTransfer(options.Transfer with { MaxAttempts = 1, Logger = NullLogger.Instance });
        var tasks = shards.Select(s => new ShardTask(s, test.Shards[s].Entry.Size)).ToList();
        foreach (var result in await transfer.RunAsync(tasks, source, sink, cancel).ConfigureAwait(false))
        {
            var examination = (sink as ExaminationSink)?.Of(result.Shard);
            var findings = examination?.Findings ?? NewFindings(result.Shard);
            if (examination is null && result.Archive is { } archive)
            {
                BackupChecks.RunOfEntries(archive.Entries, findings);
            }

            if (result.Error is { } error && error.Id != ExaminationSink.ShardDamaged)
            {
                Add(findings, error);
            }

            results[result.Shard] = new TestedShard
            {
                Findings = findings.ToList(),
                IsDeep = isDeep,
                Bytes = result.Archive?.Length ?? examination?.Bytes ?? 0,
                TsmFiles = examination?.TsmFiles ?? 0,
                Points = examination?.Points ?? 0,
            };
        }
    }

    private TestedShard Glance(ShardKey shard)
    {
        var findings = NewFindings(shard);
        try
        {
            ArchiveGlance.Look(test.Shards[shard]);
        }
        catch (InfluxBackupException e)
        {
            Add(findings, e);
        }

        return new TestedShard { Findings = findings.ToList() };
    }

    private Findings NewFindings(ShardKey shard) => new(test.Shards[shard].Path, test.Describe(shard));

    private static void Add(Findings findings, InfluxBackupException error)
    {
        if (error.Kind == ErrorKind.Write)
        {
            // No room for temporary files says nothing of the backup.
            throw error;
        }

        findings.Add(findings.Error(error.Id, error.Message) with { Offset = error.Offset });
    }
}
