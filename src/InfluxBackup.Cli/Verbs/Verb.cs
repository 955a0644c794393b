using System.CommandLine;
using InfluxBackup.Cli.Output;

namespace InfluxBackup.Cli.Verbs;

/// <summary>One verb of the command line: binds its options, calls one operation, prints what it returns.</summary>
internal abstract class Verb : Command
{
    protected Verb(string name, string description)
        : base(name, description) => SetAction(RunGuardedAsync);

    protected abstract Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel);

    private async Task<int> RunGuardedAsync(ParseResult arguments, CancellationToken cancel)
    {
        var console = ConsoleOutput.Of(arguments);
        try
        {
            return await RunAsync(arguments, console, cancel);
        }
        catch (InfluxBackupException) when (cancel.IsCancellationRequested)
        {
            // What fails while everything is being torn down is no news.
            return Cancelled(console);
        }
        catch (InfluxBackupException e)
        {
            console.WriteError(e);
            return ExitCode.Of(e);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return Cancelled(console);
        }
#pragma warning disable CA1031 // The outermost frame: a message and an exit code instead of a core dump.
        catch (Exception e)
        {
            console.WriteUnexpected(e);
            return ExitCode.Failed;
        }
#pragma warning restore CA1031
    }

    private static int Cancelled(ConsoleOutput console)
    {
        console.WriteError(new InfluxBackupException("Cancelled", ErrorKind.Busy, "Cancelled."));
        return ExitCode.Cancelled;
    }
}
