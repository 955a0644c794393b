using InfluxBackup.Transfer;

namespace InfluxBackup.Operations.Checks;

/// <summary>The run that made the backup got every shard that it was asked for.</summary>
internal sealed class BackupIsPartialCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        foreach (var missing in (backup.Manifest.Run?.MissingShards ?? []).Where(m => m.Outcome == ShardOutcome.Failed))
        {
            var finding = backup.Findings.Error(Id, $"Shard {missing.ShardId} is not in the backup: {missing.Reason}");
            backup.Findings.Add(finding with { Database = missing.Database, RetentionPolicy = missing.RetentionPolicy, ShardId = missing.ShardId });
        }
    }
}
