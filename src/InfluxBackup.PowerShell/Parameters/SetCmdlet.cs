using System.Management.Automation;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>Base of the cmdlets that read any number of backup sets.</summary>
public abstract class SetCmdlet : SelectionCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    /// <summary>Directories of backup sets.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Directories of backup sets, each character taken as it is.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <inheritdoc/>
    private protected sealed override void ProcessInput()
    {
        var isLiteral = ParameterSetName == LiteralPathSet;
        foreach (var path in isLiteral ? LiteralPath : Path)
        {
            try
            {
                foreach (var directory in isLiteral ? [this.LiteralDirectory(path)] : this.Directories(path))
                {
                    ProcessSet(directory);
                }
            }
            catch (InfluxBackupException error)
            {
                // One bad set says nothing of the next.
                WriteOrThrow(error);
            }
        }
    }

    private protected abstract void ProcessSet(string directory);
}
