namespace InfluxBackup.Operations.Checks;

/// <summary>A backup that says what it was limited to holds nothing else.</summary>
internal sealed class OutsideLimitCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        var manifest = backup.Manifest;
        foreach (var shard in backup.Shards.Keys)
        {
            var isInside = (string.IsNullOrEmpty(manifest.Database) || shard.Database == manifest.Database)
                && (string.IsNullOrEmpty(manifest.RetentionPolicy) || shard.RetentionPolicy == manifest.RetentionPolicy)
                && (manifest.ShardId == 0 || shard.Id == manifest.ShardId);
            if (!isInside)
            {
                var findings = new Findings(backup.Backup.ManifestPath, backup.Describe(shard));
                backup.Findings.Add(findings.Warning(Id, $"The manifest lists {shard}, though it says that the backup was limited to {Limit(manifest)}."));
            }
        }
    }

    private static string Limit(BackupSets.BackupManifest manifest) =>
        string.Join(", ", new[]
        {
            string.IsNullOrEmpty(manifest.Database) ? null : $"database '{manifest.Database}'",
            string.IsNullOrEmpty(manifest.RetentionPolicy) ? null : $"policy '{manifest.RetentionPolicy}'",
            manifest.ShardId == 0 ? null : $"shard {manifest.ShardId}",
        }.Where(l => l is not null));
}
