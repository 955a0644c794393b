using System.Collections;
using System.IO.Compression;
using System.Management.Automation;
using InfluxBackup.DataDirectory;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;
using InfluxBackup.Tsm;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Writes the points of a backup, a stopped server or a running server as line protocol.</summary>
[Cmdlet(VerbsData.Export, "InfluxLineProtocol", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(ExportedFile))]
[OutputType(typeof(ExportPlan))]
public sealed class ExportInfluxLineProtocolCommand : ServerCmdlet
{
    private const string PathSet = "Path";
    private const string DirectorySet = "Directory";

    /// <summary>Directory of the backup set.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("LiteralPath", "PSPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The backup of the set; the newest unless given.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(TimestampCompleter))]
    public string? Timestamp { get; set; }

    /// <summary>Export what all backups of the set stand for together.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter Combine { get; set; }

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

    /// <summary>The file to write, or the directory where there are several.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = PathSet)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = DirectorySet)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ServerSet)]
    [ValidateNotNullOrEmpty]
    public string Output { get; set; } = "";

    /// <summary>Only points from this time on.</summary>
    [Parameter]
    [PointTime]
    public long? Start { get; set; }

    /// <summary>Only points up to this time, included.</summary>
    [Parameter]
    [PointTime]
    public long? End { get; set; }

    /// <summary>Only these measurements.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[]? Measurement { get; set; }

    /// <summary>Only series with these tags.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public Hashtable? Tag { get; set; }

    /// <summary>One line for each field instead of one for all fields of a time.</summary>
    [Parameter]
    public SwitchParameter OneFieldPerLine { get; set; }

    /// <summary>Points alone, without comments and statements.</summary>
    [Parameter]
    public SwitchParameter LineProtocolOnly { get; set; }

    /// <summary>Compress with gzip, whatever the name ends in.</summary>
    [Parameter]
    public SwitchParameter Compress { get; set; }

    /// <summary>How hard to compress.</summary>
    [Parameter]
    public CompressionLevel? CompressionLevel { get; set; }

    /// <summary>What goes into one file.</summary>
    [Parameter]
    public ExportSplit SplitBy { get; set; }

    /// <summary>Begin a new file before one becomes larger.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? MaxFileSize { get; set; }

    /// <summary>Go on where a run that was stopped left off.</summary>
    [Parameter]
    public SwitchParameter Resume { get; set; }

    /// <summary>Replace files that are there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Threads that unpack and print.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Export what is sound where something is damaged.</summary>
    [Parameter]
    public SwitchParameter AllowPartial { get; set; }

    private ExportOptions CreateOptions(ExportSource source) => new()
    {
        Source = source,
        Output = this.LiteralFile(Output),
        Selection = Selection,
        Times = new TimeRange(Start ?? long.MinValue, End ?? long.MaxValue),
        Measurements = Measurement ?? [],
        Tags = TagFilters.Of(Tag),
        OneFieldPerLine = OneFieldPerLine,
        LineProtocolOnly = LineProtocolOnly,
        Compression = ExportOptions.ChooseCompression(CompressionLevel, Compress, Output),
        Split = SplitBy,
        MaxFileSize = MaxFileSize,
        Resume = Resume,
        Force = Force,
        Parallelism = ThrottleLimit,
        AllowPartial = AllowPartial,
        Logger = Logger,
        Progress = ProgressOf($"Exporting to {Output}"),
    };

    private ExportSource OpenSource() => ParameterSetName switch
    {
        PathSet => new BackupExportSource(this.LiteralDirectory(Path), Timestamp, Combine),
        DirectorySet => new DirectoryExportSource(ServerDirectories.Open(this.LiteralDirectory(DataDirectory!), Literal(WalDirectory), Literal(MetaDirectory))),
        _ => new LiveExportSource(Server),
    };

    /// <inheritdoc/>
    private protected override void ProcessInput()
    {
        using var source = OpenSource();
        var operation = new ExportOperation(CreateOptions(source));
        var plan = Await(operation.PlanAsync);
        WriteWarnings(plan.Warnings);
        if (Approve($"Export {plan} to '{Output}'", plan))
        {
            var result = Await(cancel => operation.RunAsync(plan, Posted<ExportedFile>(WriteObject), cancel));
            WriteWarnings(result.Warnings);
            WriteFindings(result);
        }
    }

    /// <summary>One error record for each finding that the result names, and one for those beyond.</summary>
    private void WriteFindings(ExportResult result)
    {
        foreach (var finding in result.Findings)
        {
            WriteError(new InfluxBackupException(finding.Check, ErrorKind.InvalidData, finding.Message) { Subject = finding.File }.ToErrorRecord(finding));
        }

        if (result.FindingCount > result.Findings.Count)
        {
            WriteError(MoreFindings(result).ToErrorRecord(result));
        }
    }

    private static InfluxBackupException MoreFindings(ExportResult result) =>
        new("MoreFindings", ErrorKind.InvalidData, $"{result.FindingCount - result.Findings.Count} more findings are not shown one by one.");

    /// <summary>An export that was not done must not look like one that was; only parts of it may be left out, and only where that was asked for.</summary>
    private protected override bool IsTerminating(InfluxBackupException error) => true;

    private string? Literal(string? path) => path is null ? null : this.LiteralDirectory(path);
}
