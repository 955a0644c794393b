using System.Management.Automation;
using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;
using ShardInfo = InfluxBackup.Operations.ShardInfo;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Lists the shards of a server or cluster, of a server's directories or of a backup.</summary>
[Cmdlet(VerbsCommon.Get, "InfluxShard", DefaultParameterSetName = ServerSet)]
[OutputType(typeof(ShardInfo))]
public sealed class GetInfluxShardCommand : ClusterCmdlet
{
    private const string PathSet = "Path";
    private const string DirectorySet = "Directory";

    /// <summary>Directory of a backup set.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("LiteralPath", "PSPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The backup of the set; the newest unless given.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(TimestampCompleter))]
    public string? Timestamp { get; set; }

    /// <summary>Data directory of a stopped server.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DirectorySet)]
    [ValidateNotNullOrEmpty]
    public string? DataDirectory { get; set; }

    /// <summary>WAL directory of a stopped server.</summary>
    [Parameter(ParameterSetName = DirectorySet)]
    [ValidateNotNullOrEmpty]
    public string? WalDirectory { get; set; }

    /// <summary>Directory of the metadata of a stopped server.</summary>
    [Parameter(ParameterSetName = DirectorySet)]
    [ValidateNotNullOrEmpty]
    public string? MetaDirectory { get; set; }

    /// <summary>Read the shards through and count what they hold.</summary>
    [Parameter(ParameterSetName = PathSet)]
    [Parameter(ParameterSetName = DirectorySet)]
    public SwitchParameter Detailed { get; set; }

    /// <summary>Only shards with a time range that ends after this.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? Start { get; set; }

    /// <summary>Only shards with a time range that begins at or before this.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? End { get; set; }

    /// <summary>Shards that are read at once.</summary>
    [Parameter(ParameterSetName = PathSet)]
    [Parameter(ParameterSetName = DirectorySet)]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    private ShardSelection CreateSelection() => Selection with { Start = Start, End = End };

    private ShardDetailOperation CreateDetailOperation(string what) => new(new ShardDetailOptions
    {
        Parallelism = ThrottleLimit,
        Logger = Logger,
        Progress = ProgressOf($"Reading {what}"),
    });

    /// <inheritdoc/>
    private protected override void ProcessInput()
    {
        var shards = ParameterSetName switch
        {
            ServerSet => Await(cancel => CatalogOperation.ReadServerAsync(Server, CreateSelection(), cancel)),
            ClusterSet => ReadCluster(),
            PathSet => ReadBackup(this.LiteralDirectory(Path)),
            _ => ReadDirectories(),
        };
        foreach (var shard in shards)
        {
            WriteObject(shard.Owners is null ? shard : OfCluster(shard));
        }

        foreach (var shard in shards.Where(s => s.Error is not null))
        {
            WriteError(shard.Error!.ToErrorRecord(shard));
        }
    }

    /// <summary>With a type name of its own, by which the view that shows the owners is chosen.</summary>
    private static PSObject OfCluster(ShardInfo shard)
    {
        var wrapped = new PSObject(shard);
        wrapped.TypeNames.Insert(0, typeof(ShardInfo).FullName + "#Cluster");
        return wrapped;
    }

    private IReadOnlyList<ShardInfo> ReadCluster()
    {
        var catalog = Await(cancel => new ClusterOperation(Cluster, Logger).ReadShardsAsync(CreateSelection(), cancel));
        WriteWarnings(catalog.Warnings);
        return catalog.Shards;
    }

    private IReadOnlyList<ShardInfo> ReadBackup(string directory) => Detailed
        ? Await(cancel => CreateDetailOperation(directory).ReadBackupAsync(directory, Timestamp, CreateSelection(), cancel))
        : CatalogOperation.ReadBackup(directory, Timestamp, CreateSelection()).Shards;

    private IReadOnlyList<ShardInfo> ReadDirectories()
    {
        var directories = ServerDirectories.Open(this.LiteralDirectory(DataDirectory!), Literal(WalDirectory), Literal(MetaDirectory));
        var catalog = Detailed
            ? Await(cancel => CreateDetailOperation(directories.DataPath!).ReadDirectoriesAsync(directories, CreateSelection(), cancel))
            : Await(cancel => Task.Run(() => CatalogOperation.ReadDirectories(directories, CreateSelection(), cancel), cancel));
        WriteWarnings(catalog.Warnings);
        return catalog.Shards;
    }

    private string? Literal(string? path) => path is null ? null : this.LiteralDirectory(path);
}
