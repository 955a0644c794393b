using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup import</c>.</summary>
internal sealed class ImportVerb : Verb
{
    private const string StandardInput = "-";

    private readonly Option<string[]> path = new("--path")
    {
        Description = "File with line protocol or an export of influx_inspect, plain or gzip; - is standard input. May be given several times.",
        HelpName = "file",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly HttpServerOptions server = new();
    private readonly Option<string?> database = new("--database") { Description = "Database of lines that the file names none for.", HelpName = "name" };

    private readonly Option<string?> retentionPolicy = new("--retention-policy")
    {
        Description = "Retention policy of lines that the file names none for. [default: the default policy of the database]",
        HelpName = "name",
    };

    private readonly Option<string?> newDatabase = new("--new-database") { Description = "Write into this database, whatever the file says.", HelpName = "name" };
    private readonly Option<string?> newRetentionPolicy = new("--new-retention-policy") { Description = "Write into this policy, whatever the file says.", HelpName = "name" };
    private readonly Option<bool> skipDdl = new("--skip-ddl") { Description = "Don't run the statements of the file." };
    private readonly Option<bool> ignoreDdlErrors = new("--ignore-ddl-errors") { Description = "Go on when a statement of the file fails." };

    private readonly Option<WritePrecision?> precision = new("--precision")
    {
        Description = "Unit of the times: ns, u, ms, s, m or h. [default: ns]",
        HelpName = "unit",
        CustomParser = ArgumentParsers.Precision,
    };

    private readonly Option<WriteConsistency?> consistency = new("--consistency")
    {
        Description = "How many owners in a cluster must have a point: any, one, quorum or all. [default: what the server takes, one]",
        HelpName = "level",
    };

    private readonly Option<int?> throttleLimit = new("--throttle-limit")
    {
        Description = "Connections at once. [default: two for each processor, 8 to 16]",
        HelpName = "number",
        CustomParser = ArgumentParsers.Positive,
    };

    private readonly Option<long?> pointsPerSecond = new("--points-per-second") { Description = "Write no more lines a second than this.", HelpName = "number", CustomParser = ArgumentParsers.Amount };
    private readonly Option<long?> batchLines = new("--batch-lines") { Description = "Lines of a request. [default: 5000]", HelpName = "number", CustomParser = ArgumentParsers.Amount };
    private readonly Option<long?> batchBytes = new("--batch-bytes") { Description = "Bytes of a request before compression. [default: 1048576]", HelpName = "number", CustomParser = ArgumentParsers.Amount };
    private readonly Option<bool?> compress = new("--compress") { Description = "Compress what is sent: true or false. [default: yes, unless the server is on this machine]", HelpName = "bool" };
    private readonly Option<string?> rejectPath = new("--reject-path") { Description = "File for lines that the server refuses. [default: the file's name with .rejected.lp]", HelpName = "file" };
    private readonly Option<bool> resume = new("--resume") { Description = "Go on where an earlier import of the same files was stopped." };
    private readonly Option<bool> whatIf = new("--what-if") { Description = "Read everything, say what would be done, and write nothing." };

    public ImportVerb()
        : base("import", "Write line protocol, or what influx_inspect export wrote, to a running server.")
    {
        Options.Add(path);
        server.AddTo(this);
        Option[] options =
        [
            database, retentionPolicy, newDatabase, newRetentionPolicy, skipDdl, ignoreDdlErrors, precision, consistency, throttleLimit, pointsPerSecond,
            batchLines, batchBytes, compress, rejectPath, resume, whatIf,
        ];
        foreach (var option in options)
        {
            Options.Add(option);
        }
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        using var progress = console.BeginImport();
        using var operation = new ImportOperation(CreateOptions(arguments, console, progress));
        var outcomes = new List<Outcome>();
        foreach (var name in arguments.GetRequiredValue(path))
        {
            using var input = name == StandardInput ? Console.OpenStandardInput() : null;
            var source = input is null ? ImportSource.FromFile(name) : ImportSource.FromStream("standard input", input);
            if (arguments.GetValue(whatIf))
            {
                ImportReport.Write(await operation.PlanAsync(source, cancel), console);
                continue;
            }

            var result = await operation.RunAsync(source, cancel);
            outcomes.Add(result.Outcome);
            progress.Dispose();
            ImportReport.Write(result, console);
            if (result.Error is { Kind: ErrorKind.Connection or ErrorKind.Security })
            {
                // The next file would meet the same.
                break;
            }
        }

        operation.End();
        return ExitCode.Of(outcomes);
    }

    private ImportOptions CreateOptions(ParseResult arguments, ConsoleOutput console, ImportReport progress)
    {
        var options = new ImportOptions
        {
            Servers = server.Read(arguments),
            Database = arguments.GetValue(database),
            RetentionPolicy = arguments.GetValue(retentionPolicy),
            NewDatabase = arguments.GetValue(newDatabase),
            NewRetentionPolicy = arguments.GetValue(newRetentionPolicy),
            SkipDdl = arguments.GetValue(skipDdl),
            IgnoreDdlErrors = arguments.GetValue(ignoreDdlErrors),
            Write = new WriteSettings { Precision = arguments.GetValue(precision) ?? WritePrecision.Nanoseconds, Consistency = arguments.GetValue(consistency) },
            Parallelism = arguments.GetValue(throttleLimit),
            PointsPerSecond = arguments.GetValue(pointsPerSecond),
            Compress = arguments.GetValue(compress),
            RejectPath = arguments.GetValue(rejectPath),
            Resume = arguments.GetValue(resume),
            Logger = console.Logger,
            Progress = progress,
        };
        return options with
        {
            BatchLines = (int)Math.Min(arguments.GetValue(batchLines) ?? options.BatchLines, 1_000_000),
            BatchBytes = (int)Math.Min(arguments.GetValue(batchBytes) ?? options.BatchBytes, 64 << 20),
        };
    }
}
