using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup manifest</c>.</summary>
internal sealed class ManifestVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: true, "Directory of the backup set.");
    private readonly Option<string[]> timestamp = new("--timestamp")
    {
        Description = "Only this backup of the set, for instance 20240501T120000Z. May be given several times.",
        HelpName = "timestamp",
    };

    private readonly Option<bool> latest = new("--latest") { Description = "Only the newest backup." };
    private readonly SelectionOptions selection = new();

    public ManifestVerb()
        : base("manifest", "Show the backups of a set, newest first.")
    {
        Options.Add(path);
        Options.Add(timestamp);
        Options.Add(latest);
        selection.AddTo(this);
    }

    protected override Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        var directory = arguments.GetRequiredValue(path)!;
        var shards = selection.Read(arguments);
        var backups = new List<BackupInfo>();
        var damaged = false;
        foreach (var name in Wanted(arguments, directory))
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                backups.Add(CatalogOperation.ReadBackup(directory, name, shards));
            }
            catch (InfluxBackupException e) when (e.Kind != ErrorKind.InvalidArgument)
            {
                // One damaged manifest is no reason not to show the others.
                damaged = true;
                console.WriteError(e);
            }
        }

        Write(backups, console);
        return Task.FromResult(!damaged ? ExitCode.Complete : backups.Count > 0 ? ExitCode.Partial : ExitCode.Failed);
    }

    /// <summary>Without a name the catalog gives the newest, or says that there is none.</summary>
    private IReadOnlyList<string?> Wanted(ParseResult arguments, string directory)
    {
        if (arguments.GetValue(latest))
        {
            return [null];
        }

        IReadOnlyList<string?> names = arguments.GetValue(timestamp) is { Length: > 0 } given ? given : CatalogOperation.ReadTimestamps(directory);
        return names.Count > 0 ? names : [null];
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
