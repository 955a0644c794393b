using System.CommandLine;
using System.Globalization;
using InfluxBackup.Cli.Output;

namespace InfluxBackup.Cli.Demo;

/// <summary>Stations of a demo. Each is a command as a user would type it, and its real output.</summary>
internal abstract class Tour(TextStyle style)
{
    private int station;

    protected TextStyle Style => style;

    /// <summary>Whether every command succeeded and every point was found again.</summary>
    public abstract Task<bool> RunAsync(CancellationToken cancel);

    protected Task<bool> StationAsync(string headline, CancellationToken cancel, params string[] arguments) =>
        StationAsync(headline, ExitCode.Complete, cancel, arguments);

    protected async Task<bool> StationAsync(string headline, int expectedExitCode, CancellationToken cancel, params string[] arguments)
    {
        Headline(headline);
        Console.WriteLine($"$ influxbackup {string.Join(' ', arguments)}");
        var exitCode = await CommandTree.Parse(arguments).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, cancel);
        Console.WriteLine();
        cancel.ThrowIfCancellationRequested();
        return exitCode == expectedExitCode;
    }

    protected void Headline(string text)
    {
        Console.WriteLine($"{style.Bold($"{++station}. {text}")}");
        Console.WriteLine();
    }

    protected void Print(Table table)
    {
        foreach (var line in table.Lines(style: style))
        {
            Console.WriteLine(line);
        }

        Console.WriteLine();
    }

    protected static string Number(int number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
