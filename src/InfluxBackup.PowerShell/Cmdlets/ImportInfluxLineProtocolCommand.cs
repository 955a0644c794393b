using System.Management.Automation;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Writes line protocol to a running server.</summary>
[Cmdlet(VerbsData.Import, "InfluxLineProtocol", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(ImportResult))]
[OutputType(typeof(ImportPlan))]
public sealed class ImportInfluxLineProtocolCommand : HttpCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";
    private const string InputSet = "InputObject";

    private ImportOperation? operation;
    private PipedImport? piped;
    private bool isDeclined;

    /// <summary>Files with line protocol, plain or gzip.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Files with line protocol, each character taken as it is.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>Lines.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InputSet, ValueFromPipeline = true)]
    [AllowEmptyString]
    public string[] InputObject { get; set; } = [];

    /// <summary>Database of lines that the file names none for.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Database { get; set; }

    /// <summary>Retention policy of lines that the file names none for.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? RetentionPolicy { get; set; }

    /// <summary>Write into this database, whatever the file says.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewDatabase { get; set; }

    /// <summary>Write into this retention policy, whatever the file says.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewRetentionPolicy { get; set; }

    /// <summary>Don't run the statements of the file.</summary>
    [Parameter]
    public SwitchParameter SkipDdl { get; set; }

    /// <summary>Go on when a statement of the file fails.</summary>
    [Parameter]
    public SwitchParameter IgnoreDdlErrors { get; set; }

    /// <summary>Unit of the times.</summary>
    [Parameter]
    [ValidateSet("ns", "u", "ms", "s", "m", "h")]
    public string Precision { get; set; } = "ns";

    /// <summary>How many owners in a cluster must have a point.</summary>
    [Parameter]
    public WriteConsistency? Consistency { get; set; }

    /// <summary>Connections at once.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Write no more lines a second than this.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? PointsPerSecond { get; set; }

    /// <summary>Lines of a request.</summary>
    [Parameter]
    [ValidateRange(1, 1_000_000)]
    public int? BatchLines { get; set; }

    /// <summary>Bytes of a request, before compression.</summary>
    [Parameter]
    [ValidateRange(1, 64 << 20)]
    public int? BatchBytes { get; set; }

    /// <summary>Whether to compress what is sent.</summary>
    [Parameter]
    public bool? Compress { get; set; }

    /// <summary>File for lines that the server refuses.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? RejectPath { get; set; }

    /// <summary>Go on where an earlier import was stopped.</summary>
    [Parameter]
    public SwitchParameter Resume { get; set; }

    private ImportOptions CreateOptions()
    {
        var options = new ImportOptions
        {
            Servers = Servers,
            Database = Database,
            RetentionPolicy = RetentionPolicy,
            NewDatabase = NewDatabase,
            NewRetentionPolicy = NewRetentionPolicy,
            SkipDdl = SkipDdl,
            IgnoreDdlErrors = IgnoreDdlErrors,
            Write = new WriteSettings { Precision = WriteSettings.ParsePrecision(Precision), Consistency = Consistency },
            Parallelism = ThrottleLimit,
            PointsPerSecond = PointsPerSecond,
            Compress = Compress,
            RejectPath = RejectPath is not null ? this.LiteralFile(RejectPath)
                : ParameterSetName == InputSet ? this.LiteralFile("import" + ImportOperation.RejectSuffix) : null,
            Resume = Resume,
            Logger = Logger,
            Progress = ProgressOf<ImportProgress>(ImportProgressRecord.Of),
        };
        return options with { BatchLines = BatchLines ?? options.BatchLines, BatchBytes = BatchBytes ?? options.BatchBytes };
    }

    /// <inheritdoc/>
    private protected override void ProcessInput()
    {
        operation ??= new ImportOperation(CreateOptions());
        if (ParameterSetName == InputSet)
        {
            ProcessLines();
            return;
        }

        var isLiteral = ParameterSetName == LiteralPathSet;
        foreach (var path in isLiteral ? LiteralPath : Path)
        {
            try
            {
                foreach (var file in isLiteral ? [this.LiteralFile(path)] : Chosen(path))
                {
                    ProcessFile(file);
                }
            }
            catch (InfluxBackupException error)
            {
                // One bad file says nothing of the next.
                WriteOrThrow(error);
            }
        }
    }

    /// <summary>What an import has left beside its files is no part of them, unless it is named.</summary>
    private IEnumerable<string> Chosen(string path)
    {
        var found = this.Files(path);
        return found.Count > 1 ? found.Where(f => !ImportOperation.IsByproduct(f)) : found;
    }

    private void ProcessFile(string file)
    {
        var source = ImportSource.FromFile(file);
        if (Approve($"Import '{file}' to {string.Join(", ", HttpUri)}", () => Await(cancel => operation!.PlanAsync(source, cancel))))
        {
            Write(Await(cancel => operation!.RunAsync(source, cancel)));
        }
    }

    private void ProcessLines()
    {
        if (piped is null && !isDeclined)
        {
            var lines = new LineStream();
            var source = ImportSource.FromStream("pipeline", lines);
            var sentence = $"Import the lines of the pipeline to {string.Join(", ", HttpUri)}";
            isDeclined = !ShouldProcess(sentence, sentence + "?", MyInvocation.MyCommand.Name, out var reason);
            piped = reason == ShouldProcessReason.WhatIf ? new PipedImport(lines, async cancel => await operation!.PlanAsync(source, cancel), Stopped)
                : isDeclined ? null
                : new PipedImport(lines, async cancel => await operation!.RunAsync(source, cancel), Stopped);
        }

        foreach (var line in piped is null or { IsEnded: true } ? [] : InputObject)
        {
            piped!.Lines.Gather(line);
            if (piped.Lines.IsDue)
            {
                Await(piped.HandOverAsync);
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        try
        {
            if (piped is not null)
            {
                var came = Await(piped.EndAsync);
                if (came is ImportResult result)
                {
                    Write(result);
                }
                else
                {
                    WriteObject(came);
                }
            }

            operation?.End();
        }
        catch (InfluxBackupException error)
        {
            WriteOrThrow(error);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            piped?.Dispose();
            operation?.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Write(ImportResult result)
    {
        WriteProgress(ImportProgressRecord.Completed());
        WriteObject(result);
        WriteWarnings(result.Warnings);
        if (result.Error is { } error)
        {
            WriteOrThrow(error);
        }
        else if (result.Rejected > 0)
        {
            WriteError(Rejected(result).ToErrorRecord(result));
        }
    }

    private static InfluxBackupException Rejected(ImportResult result) =>
        new("LinesRejected", ErrorKind.InvalidData, $"{Count.Of(result.Rejected, "line")} of '{result.Path}' {(result.Rejected == 1 ? "is" : "are")} not in the database.")
        {
            Subject = result.Path,
            Remedy = $"'{result.RejectPath}' has them with their reasons, and can be imported once those are dealt with.",
        };
}
