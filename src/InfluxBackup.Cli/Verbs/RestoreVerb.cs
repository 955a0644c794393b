using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup restore</c>.</summary>
internal sealed class RestoreVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: true, "Directory of the backup set, or a .manifest file in it, which names the backup.");
    private readonly Option<string?> timestamp = CommonOptions.Timestamp("the newest unless given");

    private readonly Option<bool> combine = new("--combine")
    {
        Description = "Restore what the whole set stands for: the newest metadata, and each shard from the newest backup that has it. Incremental backups are always restored so.",
    };

    private readonly ServerOptions server = new(ServerOptions.Kinds.Any, required: false);
    private readonly SelectionOptions selection = new();
    private readonly Option<string?> newDatabase = new("--new-database") { Description = "Name on the server of the one database given.", HelpName = "name" };

    private readonly Option<string?> newRetentionPolicy = new("--new-retention-policy")
    {
        Description = "Name on the server of the one retention policy given.",
        HelpName = "name",
    };

    private readonly Option<TimeSpan?> newDuration = new("--new-duration")
    {
        Description = "How long the restored retention policies keep data: INF, or for instance 30d or 52w. [default: as in the backup]",
        HelpName = "duration",
        CustomParser = ArgumentParsers.PolicyDuration,
    };

    private readonly Option<int?> newReplicationFactor = new("--new-replication-factor")
    {
        Description = "Copies of each shard in a cluster, at most one on each data node. [default: as in the backup]",
        HelpName = "number",
        CustomParser = ArgumentParsers.Positive,
    };

    private readonly Option<bool> metadataOnly = new("--metadata-only") { Description = "Restore no shard, but databases, policies and all else." };

    private readonly Option<bool> includeMetadata = new("--include-metadata")
    {
        Description = "To a cluster: restore users, grants and continuous queries also from a full backup, and administrators also with single databases.",
    };

    private readonly Option<bool> resume = new("--resume")
    {
        Description = "Finish what an earlier run of the same restore has left. Its databases may exist; shards that have their files are passed over.",
    };

    private readonly Option<bool> merge = new("--merge")
    {
        Description = "Bring the points into databases that exist, instead of creating them. Needs --http-uri with --data-node.",
    };

    private readonly Option<MergePreference?> prefer = new("--prefer")
    {
        Description = "With --merge: whose value stays where both have a point of the same series, field and time, existing or backup. [default: existing]",
        HelpName = "existing|backup",
        CustomParser = ArgumentParsers.MergePreference,
    };

    private readonly Option<bool> list = new("--list") { Description = "Only list what would be restored. Needs no server." };
    private readonly Option<int?> throttleLimit = CommonOptions.ThrottleLimit();
    private readonly Option<bool> allowPartial = CommonOptions.AllowPartial("Restore what is sound when some shards can't be restored.");
    private readonly Option<bool> whatIf = CommonOptions.WhatIf();

    public RestoreVerb()
        : base("restore", "Restore a backup to a running server or a cluster.")
    {
        Options.Add(path);
        Options.Add(timestamp);
        Options.Add(combine);
        server.AddTo(this);
        selection.AddTo(this);
        Options.Add(newDatabase);
        Options.Add(newRetentionPolicy);
        Options.Add(newDuration);
        Options.Add(newReplicationFactor);
        Options.Add(metadataOnly);
        Options.Add(includeMetadata);
        Options.Add(resume);
        Options.Add(merge);
        Options.Add(prefer);
        Options.Add(list);
        Options.Add(throttleLimit);
        Options.Add(allowPartial);
        Options.Add(whatIf);
        Validators.Add(result =>
        {
            if (result.GetResult(list) is null && !server.IsGiven(result))
            {
                result.AddError("Give --data-node for one server, or --meta-node for a cluster; or --list to see what there is.");
            }
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        if (arguments.GetValue(list))
        {
            return List(arguments, console);
        }

        using var progress = console.BeginTransfer(arguments.GetValue(merge) ? "Merging" : "Restoring");
        var options = new RestoreOptions
        {
            Path = arguments.GetRequiredValue(path)!,
            Timestamp = arguments.GetValue(timestamp),
            Combine = arguments.GetValue(combine),
            Server = server.ReadAny(arguments),
            Selection = selection.Read(arguments),
            NewDatabase = arguments.GetValue(newDatabase),
            NewRetentionPolicy = arguments.GetValue(newRetentionPolicy),
            NewDuration = arguments.GetValue(newDuration),
            NewReplicationFactor = arguments.GetValue(newReplicationFactor),
            MetadataOnly = arguments.GetValue(metadataOnly),
            IncludeMetadata = arguments.GetValue(includeMetadata),
            Resume = arguments.GetValue(resume),
            Parallelism = arguments.GetValue(throttleLimit),
            AllowPartial = arguments.GetValue(allowPartial),
            Logger = console.Logger,
            Progress = progress,
        };
        if (arguments.GetValue(merge))
        {
            return await MergeAsync(new MergeOperation(options, arguments.GetValue(prefer) ?? MergePreference.Existing), arguments.GetValue(whatIf), console, progress, cancel);
        }

        if (arguments.GetValue(prefer) is not null)
        {
            throw MergeOperation.PreferWithoutMerge();
        }

        var operation = new RestoreOperation(options);
        var plan = await operation.PlanAsync(cancel);
        if (arguments.GetValue(whatIf))
        {
            progress.Dispose();
            return RestoreReport.Write(plan, console);
        }

        var result = await operation.RunAsync(plan, cancel);
        progress.Dispose();
        RestoreReport.Write(result, console);
        return ExitCode.Of(result.Outcome);
    }

    private static async Task<int> MergeAsync(MergeOperation operation, bool isWhatIf, ConsoleOutput console, TransferReport progress, CancellationToken cancel)
    {
        var plan = await operation.PlanAsync(cancel);
        if (isWhatIf)
        {
            progress.Dispose();
            return MergeReport.Write(plan, console);
        }

        var result = await operation.RunAsync(plan, cancel);
        progress.Dispose();
        MergeReport.Write(result, console);
        return ExitCode.Of(result.Outcome);
    }

    private int List(ParseResult arguments, ConsoleOutput console)
    {
        var catalog = CatalogOperation.ReadRestorePoint(
            arguments.GetRequiredValue(path)!, arguments.GetValue(timestamp), arguments.GetValue(combine), selection.Read(arguments));
        ShardsVerb.Write(catalog.Shards, console);
        foreach (var warning in catalog.Warnings)
        {
            console.WriteWarning(warning);
        }

        return ExitCode.Complete;
    }
}
