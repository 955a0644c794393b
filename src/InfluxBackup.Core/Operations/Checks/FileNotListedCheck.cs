using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations.Checks;

/// <summary>Every file of the set is in a manifest. Others are what a run left, or lost their manifest: no restore looks at them.</summary>
internal sealed class FileNotListedCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        var names = backup.Set.UnlistedOf(backup.Backup.Timestamp);
        foreach (var name in backup.AnswersForSet ? names.Concat(backup.Set.UnlistedOfNone()) : names)
        {
            var what = name.EndsWith(LocalFile.PartialSuffix, StringComparison.Ordinal)
                ? "belongs to a run that is under way or did not finish"
                : "is in no manifest of the set: a restore does not know it";
            backup.Findings.Add(backup.Findings.Warning(Id, $"'{name}' {what}.") with { File = Path.Combine(backup.Backup.Directory, name) });
        }
    }
}
