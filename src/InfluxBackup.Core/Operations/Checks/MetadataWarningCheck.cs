namespace InfluxBackup.Operations.Checks;

/// <summary>The metadata file is as the official tools write it.</summary>
internal sealed class MetadataWarningCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        foreach (var warning in backup.Backup.MetadataWarnings)
        {
            backup.Findings.Add(backup.Findings.Warning(Id, warning) with { File = backup.Backup.MetadataPath });
        }
    }
}
