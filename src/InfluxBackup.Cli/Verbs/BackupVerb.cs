using System.CommandLine;
using System.IO.Compression;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;

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
        Options.Add(since);
        Options.Add(compressionLevel);
        Options.Add(throttleLimit);
        Options.Add(allowPartial);
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
            Since = arguments.GetValue(since),
            CompressionLevel = arguments.GetValue(compressionLevel),
            Parallelism = arguments.GetValue(throttleLimit),
            AllowPartial = arguments.GetValue(allowPartial),
            Logger = console.Logger,
            Progress = progress,
        });
        var plan = await operation.PlanAsync(cancel);
        if (arguments.GetValue(whatIf))
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
