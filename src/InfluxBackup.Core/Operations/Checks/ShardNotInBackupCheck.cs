using InfluxBackup.Metadata;

namespace InfluxBackup.Operations.Checks;

/// <summary>
/// A backup that was not limited has every shard of its metadata. Manifests of the official tool don't always say that they were
/// limited to a database, so there only shards of databases and policies that are in the backup count. Shards that have owners are a
/// cluster's: a node need not have them. A run of ours says itself what it left out, and why.
/// </summary>
internal sealed class ShardNotInBackupCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        if (backup.Manifest.Limited || !backup.IsWhole)
        {
            return;
        }

        var run = backup.Manifest.Run;
        var there = (backup.Manifest.Files ?? []).Select(f => f.ShardId).ToHashSet();
        var explained = (run?.MissingShards ?? []).Select(m => m.ShardId).ToHashSet();
        var policies = backup.Shards.Keys.Select(PolicyOf).ToHashSet();
        foreach (var shard in backup.Metadata.Shards.Where(s => !s.IsDeleted && s.Owners.Count == 0))
        {
            if (there.Contains(shard.Key.Id) || explained.Contains(shard.Key.Id) || (run is null && !policies.Contains(PolicyOf(shard.Key))))
            {
                continue;
            }

            var findings = new Findings(backup.Backup.ManifestPath, shard);
            backup.Findings.Add(findings.Warning(Id, $"{shard.Key} is in the metadata and not in the backup, though the backup does not say that it was limited: its points, if it had any, are not there."));
        }
    }

    private static (string Database, string RetentionPolicy) PolicyOf(ShardKey shard) => (shard.Database, shard.RetentionPolicy);
}
