using System.CommandLine;
using System.IO.Compression;
using InfluxBackup.BackupSets;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup backup</c>.</summary>
internal sealed class BackupVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: true, "Directory of the backup set; created where there is none.");
    private readonly ServerOptions server = new(ServerOptions.Kinds.Any, required: true);
    private readonly SelectionOptions selection = new(withTimes: true);

    private readonly Option<DateTimeOffset?> since = new("--since")
    {
        Description = "Leave out shards without changes since this time, for instance that of the last backup. A shard that changed is taken whole.",
        HelpName = "time",
        CustomParser = ArgumentParsers.Time,
    };

    private readonly Option<BackupStrategy?> strategy = new("--strategy")
    {
        Description = "Which of the chosen shards to take: full takes all, incremental those that changed since the set got them (clusters only), "
            + "metadata-only none. [default: full for a server, incremental for a cluster]",
        HelpName = "full|incremental|metadata-only",
        CustomParser = ArgumentParsers.Strategy,
    };

    private readonly Option<DataNodeAddress[]> from = new("--from")
    {
        Description = "Data node of a cluster to take shards from where it has them; other owners are used for the rest. May be given several times.",
        HelpName = "host[:port]",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ArgumentParsers.DataNodes,
    };

    private readonly Option<bool> allOwners = new("--all-owners")
    {
        Description = "Read each shard of a cluster from all its owners and keep every point that any of them has.",
    };

    private readonly Option<int?> throttleLimitPerNode = new("--throttle-limit-per-node")
    {
        Description = "Connections to one data node of a cluster at once. [default: 2]",
        HelpName = "number",
        CustomParser = ArgumentParsers.Positive,
    };

    private readonly Option<bool> estimate = new("--estimate")
    {
        Description = "Show the plan with sizes and the time that it will take, measured by reading for a few seconds, and copy nothing.",
    };

    private readonly Option<CompressionLevel> compressionLevel = new("--compression-level")
    {
        Description = "How hard to compress the archives.",
        DefaultValueFactory = _ => CompressionLevel.Fastest,
    };

    private readonly Option<int?> throttleLimit = CommonOptions.ThrottleLimit();
    private readonly Option<bool> allowPartial = CommonOptions.AllowPartial("Keep the backup when some shards failed; its manifest says which are missing.");
    private readonly Option<bool> whatIf = CommonOptions.WhatIf();

    public BackupVerb()
        : base("backup", "Back up a running server or a cluster into a backup set.")
    {
        Options.Add(path);
        server.AddTo(this);
        selection.AddTo(this);
        Options.Add(strategy);
        Options.Add(since);
        Options.Add(from);
        Options.Add(allOwners);
        Options.Add(compressionLevel);
        Options.Add(throttleLimit);
        Options.Add(throttleLimitPerNode);
        Options.Add(allowPartial);
        Options.Add(estimate);
        Options.Add(whatIf);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        using var progress = console.BeginTransfer("Backing up");
        var operation = new BackupOperation(new BackupOptions
        {
            Server = server.ReadAny(arguments),
            Path = arguments.GetRequiredValue(path)!,
            Selection = selection.Read(arguments),
            Strategy = arguments.GetValue(strategy),
            Since = arguments.GetValue(since),
            From = arguments.GetValue(from) ?? [],
            AllOwners = arguments.GetValue(allOwners),
            ConnectionsPerNode = arguments.GetValue(throttleLimitPerNode) ?? BackupOptions.DefaultConnectionsPerNode,
            CompressionLevel = arguments.GetValue(compressionLevel),
            Parallelism = arguments.GetValue(throttleLimit),
            AllowPartial = arguments.GetValue(allowPartial),
            Logger = console.Logger,
            Progress = progress,
        });
        var plan = await operation.PlanAsync(cancel);
        if (arguments.GetValue(estimate))
        {
            plan = await operation.EstimateAsync(plan, cancel);
        }

        if (arguments.GetValue(whatIf) || arguments.GetValue(estimate))
        {
            console.WriteResult(Shapes.Plan(plan), () => BackupReport.Lines(plan, console.Style));
            return ExitCode.Complete;
        }

        var result = await operation.RunAsync(plan, cancel);
        progress.Dispose();
        BackupReport.Write(result, console);
        return ExitCode.Of(result.Outcome);
    }
}
