using System.CommandLine;
using InfluxBackup.Cli.Demo;
using InfluxBackup.Cli.Output;
using InfluxBackup.Emulator;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup demo</c>: the other verbs, run one after another against servers inside this process.</summary>
internal sealed class DemoVerb : Verb
{
    private readonly Option<bool> cluster = new("--cluster") { Description = "A cluster instead of a single server: it is backed up with nodes down and restored to a smaller one." };

    public DemoVerb()
        : base("demo", "Show a backup and a restore on sample data; needs no server and leaves nothing behind.") => Options.Add(cluster);

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        var directory = Directory.CreateTempSubdirectory("influxbackup-demo-").FullName;
        // A restore keeps its lock in the temporary directory; the demo's goes with everything else.
        Environment.SetEnvironmentVariable(OperatingSystem.IsWindows() ? "TMP" : "TMPDIR", directory);
        bool isVerified;
        try
        {
            isVerified = arguments.GetValue(cluster)
                ? await ShowClusterAsync(directory, console.Style, cancel)
                : await ShowServerAsync(directory, console.Style, cancel);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        Console.WriteLine(isVerified
            ? console.Style.Green("Everything was verified.") + $" All nodes have stopped, and {directory} is gone."
            : console.Style.Red("The demo failed.") + " What went wrong is said above.");
        return isVerified ? ExitCode.Complete : ExitCode.Failed;
    }

    private static async Task<bool> ShowServerAsync(string directory, TextStyle style, CancellationToken cancel)
    {
        SampleData.Create(Path.Combine(directory, "server"));
        await using var node = await EmulatedDataNode.StartAsync(new EmulatedDataNodeOptions { Directory = Path.Combine(directory, "server") });
        return await new DemoTour(node, Path.Combine(directory, "backups"), style).RunAsync(cancel);
    }

    private static async Task<bool> ShowClusterAsync(string directory, TextStyle style, CancellationToken cancel)
    {
        await using var large = await EmulatedCluster.StartAsync(new EmulatedClusterOptions { Directory = Path.Combine(directory, "cluster"), ElectionTime = TimeSpan.Zero });
        ClusterSample.WriteWell(large);
        await using var small = await EmulatedCluster.StartAsync(new EmulatedClusterOptions { Directory = Path.Combine(directory, "smaller"), MetaNodes = 1, DataNodes = 2 });
        return await new ClusterTour(large, small, Path.Combine(directory, "backups"), style).RunAsync(cancel);
    }
}
