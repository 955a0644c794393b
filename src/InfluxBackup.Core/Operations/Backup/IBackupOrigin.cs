using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Where a backup comes from, a single server or a cluster: what there is, how it is read, and what is worth writing down of it.</summary>
internal interface IBackupOrigin : IDisposable
{
    /// <summary>Asks what there is and decides what to take. Changes nothing.</summary>
    Task<BackupPlan> PlanAsync(CancellationToken cancel);

    /// <summary>Opens the source of the plan's shards.</summary>
    Task<IShardSource> OpenSourceAsync(BackupPlan plan, CancellationToken cancel);

    /// <summary>Adds to a shard's entry in the manifest what only the origin knows.</summary>
    ManifestShard Describe(ManifestShard entry, ShardResult shard);

    /// <summary>What the user should know of the run besides what its shards say.</summary>
    IEnumerable<string> Warnings(IReadOnlyList<ShardResult> shards);
}
