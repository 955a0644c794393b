using InfluxBackup.BackupSets;
using InfluxBackup.Operations;

namespace InfluxBackup.PowerShell.Completion;

/// <summary>Offers the backups of the set, newest first.</summary>
public sealed class TimestampCompleter : CatalogCompleter
{
    private protected override IEnumerable<Candidate> Candidates(string commandName, BoundParameters bound) => bound.Path is null
        ? []
        : CatalogOperation.ReadTimestamps(SetDirectory(bound.Path)).Select(t => new Candidate(t, Describe(t)));

    private static string Describe(string timestamp) =>
        BackupTimestamp.TryParse(timestamp, out var utc) ? $"Backup of {utc.ToLocalTime():f}" : timestamp;
}
