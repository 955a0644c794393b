using System.IO.Compression;
using System.Management.Automation;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Backs up a running server or a cluster into a backup set.</summary>
[Cmdlet(VerbsData.Backup, "InfluxCluster", SupportsShouldProcess = true, DefaultParameterSetName = ServerSet)]
[OutputType(typeof(BackupResult))]
[OutputType(typeof(BackupPlan))]
public sealed class BackupInfluxClusterCommand : ClusterCmdlet
{
    /// <summary>Directory of the backup set; created where there is none.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("LiteralPath", "PSPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Only shards with a time range that ends after this.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? Start { get; set; }

    /// <summary>Only shards with a time range that begins at or before this.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? End { get; set; }

    /// <summary>Leave out shards that have not changed since then.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? Since { get; set; }

    /// <summary>How hard to compress the archives.</summary>
    [Parameter]
    public CompressionLevel CompressionLevel { get; set; } = CompressionLevel.Fastest;

    /// <summary>Shards in flight at once.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Keep the backup although shards failed.</summary>
    [Parameter]
    public SwitchParameter AllowPartial { get; set; }

    private BackupOptions CreateOptions() => new()
    {
        Server = Access,
        Path = this.LiteralDirectory(Path),
        Selection = Selection with { Start = Start, End = End },
        Since = Since,
        CompressionLevel = CompressionLevel,
        Parallelism = ThrottleLimit,
        AllowPartial = AllowPartial,
        Logger = Logger,
        Progress = ProgressOf($"Backing up {Access.Name}"),
    };

    /// <inheritdoc/>
    private protected override void ProcessInput()
    {
        var operation = new BackupOperation(CreateOptions());
        var plan = Await(operation.PlanAsync);
        WriteWarnings(plan.Warnings);
        if (Approve($"Back up {plan}", plan))
        {
            var result = Await(cancel => operation.RunAsync(plan, cancel));
            WriteObject(result);
            WriteWarnings(result.Warnings);
            WriteShardErrors(result.Shards);
            if (result.ManifestPath is null)
            {
                WriteError(NotKept(result).ToErrorRecord(result));
            }
        }
    }

    private static InfluxBackupException NotKept(BackupResult result) =>
        new("BackupNotKept", ErrorKind.Write, $"{result.FailedShardCount} of {result.Shards.Count} shards failed; no backup was kept in '{result.Path}'.")
        {
            Remedy = "Solve what the errors of the shards say, or keep what is sound with -AllowPartial.",
        };

    /// <summary>There is one server and nothing else to go on with.</summary>
    private protected override bool IsTerminating(InfluxBackupException error) => true;
}
