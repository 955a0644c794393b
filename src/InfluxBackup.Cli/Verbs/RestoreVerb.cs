using System.CommandLine;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup restore</c>.</summary>
internal sealed class RestoreVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: true, "Directory of the backup set.");
    private readonly Option<string?> timestamp = CommonOptions.Timestamp("the newest unless given");

    private readonly Option<bool> combine = new("--combine")
    {
        Description = "Restore what the whole set stands for: the newest metadata, and each shard from the newest backup that has it.",
    };

    private readonly ServerOptions server = new(ServerOptions.Kinds.Any, required: true);
    private readonly SelectionOptions selection = new();
    private readonly Option<string?> newDatabase = new("--new-database") { Description = "Name on the server of the one database given.", HelpName = "name" };

    private readonly Option<string?> newRetentionPolicy = new("--new-retention-policy")
    {
        Description = "Name on the server of the one retention policy given.",
        HelpName = "name",
    };

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
        Options.Add(throttleLimit);
        Options.Add(allowPartial);
        Options.Add(whatIf);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        using var progress = console.BeginTransfer("Restoring");
        var operation = new RestoreOperation(new RestoreOptions
        {
            Path = arguments.GetRequiredValue(path)!,
            Timestamp = arguments.GetValue(timestamp),
            Combine = arguments.GetValue(combine),
            Server = server.ReadAny(arguments),
            Selection = selection.Read(arguments),
            NewDatabase = arguments.GetValue(newDatabase),
            NewRetentionPolicy = arguments.GetValue(newRetentionPolicy),
            Parallelism = arguments.GetValue(throttleLimit),
            AllowPartial = arguments.GetValue(allowPartial),
            Logger = console.Logger,
            Progress = progress,
        });
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
}
