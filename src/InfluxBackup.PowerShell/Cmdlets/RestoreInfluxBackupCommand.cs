using System.Management.Automation;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Restores a backup to a running server or a cluster.</summary>
/// <remarks>It creates databases and never writes into one that is there, unless asked to merge, hence the medium impact.</remarks>
[Cmdlet(VerbsData.Restore, "InfluxBackup", SupportsShouldProcess = true, DefaultParameterSetName = ServerSet)]
[OutputType(typeof(RestoreResult))]
[OutputType(typeof(RestorePlan))]
[OutputType(typeof(MergeResult))]
[OutputType(typeof(MergePlan))]
[OutputType(typeof(ShardInfo))]
public sealed partial class RestoreInfluxBackupCommand : ClusterCmdlet
{
    private const string ListSet = "List";

    /// <summary>Directory of the backup set, or a manifest in it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("LiteralPath", "PSPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The backup of the set; the newest unless given.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(TimestampCompleter))]
    public string? Timestamp { get; set; }

    /// <summary>Restore what all backups of the set stand for together.</summary>
    [Parameter]
    public SwitchParameter Combine { get; set; }

    /// <summary>Name on the server of the one database selected.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateNotNullOrEmpty]
    public string? NewDatabase { get; set; }

    /// <summary>Name on the server of the one retention policy selected.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateNotNullOrEmpty]
    public string? NewRetentionPolicy { get; set; }

    /// <summary>How long the restored policies keep data.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    [PolicyDuration]
    public TimeSpan? NewDuration { get; set; }

    /// <summary>Copies of each shard in a cluster.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateRange(1, int.MaxValue)]
    public int? NewReplicationFactor { get; set; }

    /// <summary>Restore no shard, but all else.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter MetadataOnly { get; set; }

    /// <summary>Restore users, grants and continuous queries also from a full backup, and administrators with single databases.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter IncludeMetadata { get; set; }

    /// <summary>Finish what an earlier run has left.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter Resume { get; set; }

    /// <summary>Only list what would be restored, without any server.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ListSet)]
    public SwitchParameter List { get; set; }

    /// <summary>Shards in flight at once.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Restore what is sound although shards of the backup are not.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter AllowPartial { get; set; }

    private RestoreOptions CreateOptions() => new()
    {
        Server = Access,
        Path = this.LiteralDirectory(Path),
        Timestamp = Timestamp,
        Combine = Combine,
        Selection = Selection,
        NewDatabase = NewDatabase,
        NewRetentionPolicy = NewRetentionPolicy,
        NewDuration = NewDuration,
        NewReplicationFactor = NewReplicationFactor,
        MetadataOnly = MetadataOnly,
        IncludeMetadata = IncludeMetadata,
        Resume = Resume,
        Parallelism = ThrottleLimit,
        AllowPartial = AllowPartial,
        Logger = Logger,
        Progress = ProgressOf($"Restoring to {Access.Name}"),
    };

    /// <inheritdoc/>
    private protected override void ProcessInput()
    {
        if (List)
        {
            var catalog = CatalogOperation.ReadRestorePoint(this.LiteralDirectory(Path), Timestamp, Combine, Selection);
            WriteObject(catalog.Shards, enumerateCollection: true);
            WriteWarnings(catalog.Warnings);
            return;
        }

        CheckPrefer();
        if (Merge)
        {
            MergeBackup();
            return;
        }

        var operation = new RestoreOperation(CreateOptions());
        var plan = Await(operation.PlanAsync);
        WriteWarnings(plan.Warnings);
        if (Approve($"Restore {plan}", plan))
        {
            var result = Await(cancel => operation.RunAsync(plan, cancel));
            WriteObject(result);
            WriteWarnings(result.Warnings);
            WriteShardErrors(result.Shards.Select(s => s.Result));
        }
        else
        {
            foreach (var conflict in plan.Conflicts)
            {
                WriteError(conflict.ToErrorRecord());
            }
        }
    }

    /// <summary>A restore that was not done must not look like one that was; only single shards may fail along the way.</summary>
    private protected override bool IsTerminating(InfluxBackupException error) => true;
}
