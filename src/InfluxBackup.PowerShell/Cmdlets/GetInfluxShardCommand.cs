using System.Management.Automation;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Parameters;
using ShardInfo = InfluxBackup.Operations.ShardInfo;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Lists the shards of a server or of a backup.</summary>
[Cmdlet(VerbsCommon.Get, "InfluxShard", DefaultParameterSetName = ServerSet)]
[OutputType(typeof(ShardInfo))]
public sealed class GetInfluxShardCommand : ServerCmdlet
{
    private const string PathSet = "Path";

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

    /// <summary>Only shards with a time range that ends after this.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? Start { get; set; }

    /// <summary>Only shards with a time range that begins at or before this.</summary>
    [Parameter]
    [PointInTime]
    public DateTimeOffset? End { get; set; }

    private ShardSelection CreateSelection() => Selection with { Start = Start, End = End };

    /// <inheritdoc/>
    private protected override void ProcessInput() => WriteObject(
        ParameterSetName == ServerSet
            ? Await(cancel => CatalogOperation.ReadServerAsync(Server, CreateSelection(), cancel))
            : CatalogOperation.ReadBackup(this.LiteralDirectory(Path), Timestamp, CreateSelection()).Shards,
        enumerateCollection: true);
}
