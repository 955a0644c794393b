using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO.Compression;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.LineProtocol;
using InfluxBackup.Operations;
using InfluxBackup.Tsm;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup export</c>.</summary>
internal sealed class ExportVerb : Verb
{
    private const string StandardOutput = "-";

    private readonly Option<string?> path = CommonOptions.Path(required: false, "Directory of a backup set to export from.");
    private readonly Option<string?> timestamp = CommonOptions.Timestamp("the newest unless given");
    private readonly Option<bool> combine = new("--combine") { Description = "Take each shard from the newest backup of the set that has it; so it is with an incremental backup in any case." };
    private readonly DirectoryOptions directories = new();
    private readonly ServerOptions server = new(ServerOptions.Kinds.Server, required: false);
    private readonly SelectionOptions selection = new();

    private readonly Option<string> output = new("--output")
    {
        Description = "File to write, a directory with --split-by or --max-file-size, or - for stdout. A name that ends in .gz is compressed.",
        HelpName = "path",
        Required = true,
    };

    private readonly Option<long?> start = new("--start")
    {
        Description = "Only points from this time on (RFC 3339, to the nanosecond; UTC unless it has an offset).",
        HelpName = "time",
        CustomParser = ArgumentParsers.PointTime,
    };

    private readonly Option<long?> end = new("--end")
    {
        Description = "Only points up to this time, which is included.",
        HelpName = "time",
        CustomParser = ArgumentParsers.PointTime,
    };

    private readonly Option<string[]> measurement = new("--measurement")
    {
        Description = "Only this measurement; * and ? are wildcards. May be given several times.",
        HelpName = "name",
    };

    private readonly Option<TagFilter[]?> tag = new("--tag")
    {
        Description = "Only series with this tag, for instance host=web*. Of one key any may match, of different keys all must.",
        HelpName = "key=value",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ArgumentParsers.Tags,
    };

    private readonly Option<bool> oneFieldPerLine = new("--one-field-per-line") { Description = "One line for each field, as influx_inspect export writes them." };
    private readonly Option<bool> lineProtocolOnly = new("--line-protocol-only") { Description = "Points alone, without comments and statements." };
    private readonly Option<bool> compress = new("--compress") { Description = "Compress with gzip." };

    private readonly Option<CompressionLevel?> compressionLevel = new("--compression-level")
    {
        Description = "How hard to compress. [default: Fastest]",
    };

    private readonly Option<ExportSplit> splitBy = new("--split-by") { Description = "What goes into one file.", DefaultValueFactory = _ => ExportSplit.None };

    private readonly Option<long?> maxFileSize = new("--max-file-size")
    {
        Description = "Begin a new file before one becomes larger than this, for instance 1GB.",
        HelpName = "size",
        CustomParser = ArgumentParsers.Size,
    };

    private readonly Option<bool> resume = new("--resume") { Description = "Go on where a run that was stopped left off." };
    private readonly Option<bool> force = new("--force") { Description = "Replace files that are there." };
    private readonly Option<int?> throttleLimit = new("--throttle-limit")
    {
        Description = "Threads that unpack and print. [default: the number of processors]",
        HelpName = "number",
        CustomParser = ArgumentParsers.Positive,
    };

    private readonly Option<bool> allowPartial = CommonOptions.AllowPartial("Export what is sound where something is damaged, and report what is left out.");
    private readonly Option<bool> whatIf = CommonOptions.WhatIf();

    public ExportVerb()
        : base("export", "Write the points of a stopped server, a backup or a running server as line protocol.")
    {
        directories.AddTo(this);
        Options.Add(path);
        Options.Add(timestamp);
        Options.Add(combine);
        server.AddTo(this);
        Options.Add(output);
        selection.AddTo(this);
        Option[] others =
        [
            start, end, measurement, tag, oneFieldPerLine, lineProtocolOnly, compress, compressionLevel, splitBy, maxFileSize, resume, force,
            throttleLimit, allowPartial, whatIf,
        ];
        foreach (var option in others)
        {
            Options.Add(option);
        }

        Validators.Add(CheckSource);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        using var progress = console.BeginTransfer("Exporting");
        using var source = OpenSource(arguments);
        var target = arguments.GetRequiredValue(output);
        var isStdout = target == StandardOutput;
        console.StdoutIsTaken = isStdout && !arguments.GetValue(whatIf);
        using var stdout = isStdout ? StandardOutputStream.Open() : null;
        var operation = new ExportOperation(new ExportOptions
        {
            Source = source,
            Output = isStdout ? null : target,
            OutputStream = stdout,
            Selection = selection.Read(arguments),
            Times = new TimeRange(arguments.GetValue(start) ?? long.MinValue, arguments.GetValue(end) ?? long.MaxValue),
            Measurements = arguments.GetValue(measurement) ?? [],
            Tags = arguments.GetValue(tag) ?? [],
            OneFieldPerLine = arguments.GetValue(oneFieldPerLine),
            LineProtocolOnly = arguments.GetValue(lineProtocolOnly),
            Compression = ExportOptions.ChooseCompression(arguments.GetValue(compressionLevel), arguments.GetValue(compress), target),
            Split = arguments.GetValue(splitBy),
            MaxFileSize = arguments.GetValue(maxFileSize),
            Resume = arguments.GetValue(resume),
            Force = arguments.GetValue(force),
            Parallelism = arguments.GetValue(throttleLimit),
            AllowPartial = arguments.GetValue(allowPartial),
            Logger = console.Logger,
            Progress = progress,
        });
        var plan = await operation.PlanAsync(cancel);
        if (arguments.GetValue(whatIf))
        {
            console.WriteResult(Shapes.Plan(plan), () => ExportReport.Lines(plan));
            return ExitCode.Complete;
        }

        var result = await operation.RunAsync(plan, null, cancel);
        progress.Dispose();
        ExportReport.Write(result, console);
        return ExitCode.Of(result.Outcome);
    }

    private ExportSource OpenSource(ParseResult arguments) =>
        server.IsGiven(arguments.CommandResult) ? new LiveExportSource(server.Read(arguments))
        : directories.IsGiven(arguments.CommandResult) ? new DirectoryExportSource(directories.Open(arguments))
        : new BackupExportSource(arguments.GetRequiredValue(path)!, arguments.GetValue(timestamp), arguments.GetValue(combine));

    private void CheckSource(CommandResult result)
    {
        var given = (result.GetResult(path) is not null ? 1 : 0) + (directories.IsGiven(result) ? 1 : 0) + (server.IsGiven(result) ? 1 : 0);
        if (given != 1)
        {
            result.AddError("Name one source: --data-directory (a stopped server), --path (a backup set), or --data-node (a running server).");
        }
    }
}
