using System.CommandLine;
using System.Text;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cli.Output;

/// <summary>
/// Where the words of the program go. Results go to stdout, everything else to stderr; with <c>--json</c> every line is one object.
/// The engine reports from its own threads, so every write holds the gate.
/// </summary>
internal sealed class ConsoleOutput
{
    private readonly object gate = new();
    private readonly TextWriter stdout = Writer(Console.OpenStandardOutput());
    private readonly TextWriter stderr = Writer(Console.OpenStandardError());
    private readonly ProgressLine? progress;
    private readonly HashSet<string> warned = [];

    private ConsoleOutput(bool json, bool quiet, bool verbose)
    {
        IsJson = json;
        IsQuiet = quiet;
        IsVerbose = verbose;
        Style = new TextStyle(!json && !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));
        progress = json || quiet || Console.IsErrorRedirected ? null : new ProgressLine(stderr);
        Logger = new ConsoleLogger(this);
    }

    public bool IsJson { get; }

    public bool IsQuiet { get; }

    public bool IsVerbose { get; }

    public TextStyle Style { get; }

    public ILogger Logger { get; }

    public static ConsoleOutput Of(ParseResult arguments) => new(
        arguments.GetValue(OutputOptions.Json), arguments.GetValue(OutputOptions.Quiet), arguments.GetValue(OutputOptions.Verbose));

    /// <summary>Results go to stderr too: stdout carries data.</summary>
    public bool StdoutIsTaken { get; set; }

    /// <summary>A result: as an object, or as lines for people.</summary>
    public void WriteResult(object shape, Func<IEnumerable<string>> lines)
    {
        var writer = StdoutIsTaken ? stderr : stdout;
        if (IsJson)
        {
            WriteLine(writer, Json.Line(shape));
        }
        else if (!IsQuiet)
        {
            foreach (var line in lines())
            {
                WriteLine(writer, line);
            }
        }
    }

    /// <summary>Something on the way that only <c>--verbose</c> shows.</summary>
    public void WriteEvent(object shape, string line)
    {
        if (!IsVerbose)
        {
            return;
        }

        if (IsJson)
        {
            WriteLine(StdoutIsTaken ? stderr : stdout, Json.Line(shape));
        }
        else
        {
            WriteLine(stderr, line);
        }
    }

    /// <summary>A warning, said once: as it happens, or with the result. With <c>--json</c> the results carry their warnings themselves.</summary>
    public void WriteWarning(string message)
    {
        lock (gate)
        {
            if (IsJson || IsQuiet || !warned.Add(message))
            {
                return;
            }
        }

        WriteLine(stderr, $"{Style.Yellow("warning:")} {message}");
    }

    public void WriteError(InfluxBackupException error)
    {
        if (IsJson)
        {
            WriteLine(stderr, Json.Line(new { error = Json.Of(error) }));
            return;
        }

        WriteLine(stderr, $"{Style.Red("error:")} {error.Message}");
        if (error.Remedy is { } remedy)
        {
            WriteLine(stderr, $"       {remedy}");
        }
    }

    /// <summary>A defect of the program, not a message to the user: the stack is for the report of it.</summary>
    public void WriteUnexpected(Exception error)
    {
        WriteError(new InfluxBackupException("Unexpected", ErrorKind.Unsupported, $"Unexpected {error.GetType().Name}: {error.Message}", error));
        if (IsVerbose && !IsJson)
        {
            WriteLine(stderr, error.ToString());
        }
    }

    /// <summary>A remark for people.</summary>
    public void WriteNote(string text)
    {
        if (!IsJson && !IsQuiet)
        {
            WriteLine(stderr, text);
        }
    }

    /// <summary>What the engine is to be given: feeds the progress line and the events. Dispose when the operation has ended.</summary>
    public TransferReport BeginTransfer(string activity) => new(this, activity);

    internal void ShowProgress(string activity, TransferProgress report)
    {
        if (progress is not null)
        {
            lock (gate)
            {
                progress.Show(activity, report);
            }
        }
    }

    /// <summary>The same for an import.</summary>
    public ImportReport BeginImport() => new(this);

    internal void ShowProgress(ImportProgress report)
    {
        if (progress is not null)
        {
            lock (gate)
            {
                progress.Show(report);
            }
        }
    }

    internal void EndProgress()
    {
        if (progress is not null)
        {
            lock (gate)
            {
                progress.Clear();
            }
        }
    }

    private void WriteLine(TextWriter writer, string line)
    {
        lock (gate)
        {
            progress?.Clear();
            try
            {
                writer.WriteLine(line);
            }
            catch (IOException)
            {
                // Whoever read the pipe has gone (head, less): the work goes on, and its exit code still tells how it ended.
            }
        }
    }

    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(false)) { AutoFlush = true };
}
