using System.Management.Automation;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Parameters;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Tells what backups a set holds.</summary>
[Cmdlet(VerbsCommon.Get, "InfluxBackupManifest", DefaultParameterSetName = "Path")]
[OutputType(typeof(BackupInfo))]
public sealed class GetInfluxBackupManifestCommand : SetCmdlet
{
    /// <summary>Only these backups of the set.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(TimestampCompleter))]
    public string[]? Timestamp { get; set; }

    /// <summary>Only the newest backup of each set.</summary>
    [Parameter]
    public SwitchParameter Latest { get; set; }

    /// <summary>Without a name the catalog gives the newest.</summary>
    private IReadOnlyList<string?> Wanted(string directory)
    {
        if (Latest)
        {
            return [null];
        }

        return Timestamp ?? CatalogOperation.ReadTimestamps(directory);
    }

    /// <inheritdoc/>
    private protected override void ProcessSet(string directory)
    {
        foreach (var timestamp in Wanted(directory))
        {
            try
            {
                WriteObject(CatalogOperation.ReadBackup(directory, timestamp, Selection));
            }
            catch (InfluxBackupException error)
            {
                // A damaged manifest must not hide the sound ones beside it.
                WriteOrThrow(error);
            }
        }
    }
}
