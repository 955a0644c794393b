using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Where a backup comes from, a single server or a cluster: what there is, how it is read, and what is worth writing down of it.</summary>
internal interface IBackupOrigin : IDisposable
{
    /// <summary>Asks what there is and decides what to take. Changes nothing.</summary>
    Task<BackupPlan> PlanAsync(CancellationToken cancel);

    /// <summary>What has to be done before the shards are copied, but not to look at them.</summary>
    Task PrepareAsync(BackupPlan plan, CancellationToken cancel);

    /// <summary>The source of the plan's shards.</summary>
    IShardSource OpenSource(BackupPlan plan);

    /// <summary>Adds to a shard's entry in the manifest what only the origin knows.</summary>
    ManifestShard Describe(ManifestShard entry, ShardResult shard);}
