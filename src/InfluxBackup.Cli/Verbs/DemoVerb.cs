using System.CommandLine;
using InfluxBackup.Cli.Demo;
using InfluxBackup.Cli.Output;
using InfluxBackup.Emulator;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup demo</c>: the other verbs, run one after another against a data node inside this process.</summary>
internal sealed class DemoVerb : Verb
{
    public DemoVerb()
        : base("demo", "Show a backup and a restore on sample data; needs no server and leaves nothing behind.")
    {
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        var directory = Directory.CreateTempSubdirectory("influxbackup-demo-").FullName;
        // A restore keeps its lock in the temporary directory; the demo's goes with everything else.
        Environment.SetEnvironmentVariable(OperatingSystem.IsWindows() ? "TMP" : "TMPDIR", directory);
        bool isVerified;
        try
        {
            SampleData.Create(Path.Combine(directory, "server"));
            var node = await EmulatedDataNode.StartAsync(new EmulatedDataNodeOptions { Directory = Path.Combine(directory, "server") });
            await using (node)
            {
                isVerified = await new DemoTour(node, Path.Combine(directory, "backups"), console.Style).RunAsync(cancel);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        Console.WriteLine(isVerified
            ? console.Style.Green("Everything was verified.") + $" The data node has stopped, and {directory} is gone."
            : console.Style.Red("The demo failed.") + " What went wrong is said above.");
        return isVerified ? ExitCode.Complete : ExitCode.Failed;
    }
}
