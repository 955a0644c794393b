using System.IO.Compression;
using System.Management.Automation;
using InfluxBackup.BackupSets;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;
using InfluxBackup.Snapshotter;

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

    /// <summary>Which of the chosen shards to take.</summary>
    [Parameter]
    public BackupStrategy? Strategy { get; set; }

    /// <summary>Leave out shards that have not changed since then.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [PointInTime]
    public DateTimeOffset? Since { get; set; }

    /// <summary>Data nodes to take shards from where they have them.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateNotNullOrEmpty]
    public string[]? From { get; set; }

    /// <summary>Keep every point that any owner of a shard has.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter AllOwners { get; set; }

    /// <summary>How hard to compress the archives.</summary>
    [Parameter]
    public CompressionLevel CompressionLevel { get; set; } = CompressionLevel.Fastest;

    /// <summary>Shards in flight at once.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Connections to one data node at once.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateRange(1, 256)]
    public int ThrottleLimitPerNode { get; set; } = BackupOptions.DefaultConnectionsPerNode;

    /// <summary>Show the plan with sizes and time, and copy nothing.</summary>
    [Parameter]
    public SwitchParameter Estimate { get; set; }

    /// <summary>Keep the backup although shards failed.</summary>
    [Parameter]
    public SwitchParameter AllowPartial { get; set; }

    private BackupOptions CreateOptions() => new()
    {
        Server = Access,
        Path = this.LiteralDirectory(Path),
        Selection = Selection with { Start = Start, End = End },
        Strategy = Strategy,
        Since = Since,
        From = (From ?? []).Select(DataNodeAddress.Parse).ToList(),
        AllOwners = AllOwners,
        ConnectionsPerNode = ThrottleLimitPerNode,
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
        if (Estimate)
        {
            WriteObject(Await(cancel => operation.EstimateAsync(plan, cancel)));
        }
        else if (Approve($"Back up {plan}", plan))
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
