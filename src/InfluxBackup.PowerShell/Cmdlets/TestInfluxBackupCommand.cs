using System.Management.Automation;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Parameters;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Reads backups to their last byte and tells what is wrong with them.</summary>
[Cmdlet(VerbsDiagnostic.Test, "InfluxBackup", DefaultParameterSetName = "Path")]
[OutputType(typeof(TestResult))]
[OutputType(typeof(bool))]
public sealed class TestInfluxBackupCommand : SetCmdlet
{
    private int sound;
    private int unsound;

    /// <summary>The backup of the set; all of them unless given.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(TimestampCompleter))]
    public string? Timestamp { get; set; }

    /// <summary>Answer only whether everything is sound.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <summary>Hashes and the structure of archives only.</summary>
    [Parameter]
    public SwitchParameter Quick { get; set; }

    /// <summary>Read only a share of the shards deeply.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ReadDataSubset { get; set; }

    /// <summary>Shards in flight at once.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    private TestOptions CreateOptions(string directory) => new()
    {
        Path = directory,
        Timestamp = Timestamp,
        Selection = Selection,
        Quick = Quick,
        ReadDataSubset = ReadDataSubset is null ? null : DataSubset.Parse(ReadDataSubset),
        Parallelism = ThrottleLimit,
        Logger = Logger,
        Progress = ProgressOf($"Testing {directory}"),
    };

    /// <inheritdoc/>
    private protected override void ProcessSet(string directory) =>
        WriteEach(new TestOperation(CreateOptions(directory)).RunAsync, Write);

    /// <summary>
    /// One answer for all input: <c>if (Test-InfluxBackup …\* -Quiet)</c> would be true for several answers, whatever they are.
    /// </summary>
    protected override void EndProcessing()
    {
        if (Quiet)
        {
            WriteObject(sound > 0 && unsound == 0);
        }
    }

    /// <inheritdoc/>
    private protected override void WriteOrThrow(InfluxBackupException error)
    {
        unsound++;
        base.WriteOrThrow(error);
    }

    private void Write(TestResult result)
    {
        _ = result.IsSound ? sound++ : unsound++;
        if (!Quiet)
        {
            WriteObject(result);
        }
    }
}
