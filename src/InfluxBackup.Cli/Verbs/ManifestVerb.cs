using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup manifest</c>.</summary>
internal sealed class ManifestVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: true, "Directory of the backup set.");
    private readonly Option<string?> timestamp = CommonOptions.Timestamp("all of them unless given");

    public ManifestVerb()
        : base("manifest", "Show the backups of a set, newest first.")
    {
        Options.Add(path);
        Options.Add(timestamp);
    }

    protected override Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        var directory = arguments.GetRequiredValue(path)!;
        if (arguments.GetValue(timestamp) is { } one)
        {
            var backup = CatalogOperation.ReadBackup(directory, one, ShardSelection.Everything);
            console.WriteResult(Shapes.Backup(backup), () => ManifestReport.Lines(backup, console.Style));
            return Task.FromResult(ExitCode.Complete);
        }

        var backups = new List<BackupInfo>();
        var damaged = false;
        foreach (var name in CatalogOperation.ReadTimestamps(directory))
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                backups.Add(CatalogOperation.ReadBackup(directory, name, ShardSelection.Everything));
            }
            catch (InfluxBackupException e)
            {
                // One damaged manifest is no reason not to show the others.
                damaged = true;
                console.WriteError(e);
            }
        }

        if (backups.Count == 0 && !damaged)
        {
            // The engine's own words for a set without a backup.
            CatalogOperation.ReadBackup(directory, null, ShardSelection.Everything);
        }

        Write(backups, console);
        return Task.FromResult(!damaged ? ExitCode.Complete : backups.Count > 0 ? ExitCode.Partial : ExitCode.Failed);
    }

    private static void Write(List<BackupInfo> backups, ConsoleOutput console)
    {
        if (!console.IsJson && !console.IsVerbose && backups.Count > 1)
        {
            console.WriteResult(backups, () => ManifestReport.Overview(backups, console.Style));
            return;
        }

        foreach (var backup in backups)
        {
            console.WriteResult(Shapes.Backup(backup), () => ManifestReport.Lines(backup, console.Style));
        }
    }
}
