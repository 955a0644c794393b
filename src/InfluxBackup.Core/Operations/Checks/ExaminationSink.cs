using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations.Checks;

/// <summary>Takes shards for the checks alone: everything in them is opened. What was found is kept for each shard.</summary>
internal sealed class ExaminationSink(BackupUnderTest backup) : IShardSink
{
    /// <summary>The error of a shard with findings that are errors; they say more than it does.</summary>
    public const string ShardDamaged = "ShardDamaged";

    private readonly StagingArea area = new();
    private readonly ConcurrentDictionary<ShardKey, ShardExamination> examinations = new();

    /// <summary>What was found in a shard; null if nothing of it could be read.</summary>
    public ShardExamination? Of(ShardKey shard) => examinations.GetValueOrDefault(shard);

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        var examination = new ShardExamination(backup.Describe(shard), backup.Shards[shard].Path);
        examinations[shard] = examination;
        await new StagedArchive(shard, examination, area).ReadAsync(archive, cancel).ConfigureAwait(false);
        BackupChecks.RunOfEntries(archive.Entries, examination.Findings);
    }

    /// <inheritdoc/>
    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) =>
        examinations[shard].Findings.HasErrors
            ? throw new InfluxBackupException(ShardDamaged, ErrorKind.InvalidData, $"{shard} is damaged; the findings say how.") { Subject = shard.ToString() }
            : Task.FromResult(new ShardReceipt(0));

    /// <inheritdoc/>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;
}
