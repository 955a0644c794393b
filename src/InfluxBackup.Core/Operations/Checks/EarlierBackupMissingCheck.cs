namespace InfluxBackup.Operations.Checks;

/// <summary>
/// What an incremental backup left to an earlier one of its set, because it had not changed, is there. A restore takes nothing else in its
/// place: what still earlier backups have is of another time.
/// </summary>
internal sealed class EarlierBackupMissingCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        foreach (var unchanged in backup.Manifest.Run?.MissingShards ?? [])
        {
            if (unchanged.UnchangedSince is { } earlier && !backup.Set.Has(earlier, unchanged.ShardId))
            {
                var finding = backup.Findings.Error(Id, $"Shard {unchanged.ShardId} had not changed and is left to backup {earlier}, which is not in the set or does not have it.");
                backup.Findings.Add(finding with { Database = unchanged.Database, RetentionPolicy = unchanged.RetentionPolicy, ShardId = unchanged.ShardId });
            }
        }
    }
}
