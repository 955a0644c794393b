using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup cluster</c>.</summary>
internal sealed class ClusterVerb : Verb
{
    private readonly ServerOptions server = new(ServerOptions.Kinds.Cluster, required: true);

    public ClusterVerb()
        : base("cluster", "Show the nodes of a cluster, what they hold, and what is wrong. The exit code is 3 where something is.") => server.AddTo(this);

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        var cluster = await new ClusterOperation(server.ReadCluster(arguments), console.Logger).ReadAsync(cancel);
        console.WriteResult(Shapes.Cluster(cluster), () => ClusterReport.Lines(cluster, console.Style));
        return cluster.IsHealthy ? ExitCode.Complete : ExitCode.Partial;
    }
}
