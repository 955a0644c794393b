using System.CommandLine;
using System.Globalization;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Verbs;

/// <summary><c>influxbackup shards</c>.</summary>
internal sealed class ShardsVerb : Verb
{
    private readonly Option<string?> path = CommonOptions.Path(required: false, "Directory of a backup set.");
    private readonly Option<string?> timestamp = CommonOptions.Timestamp("the newest unless given");
    private readonly ServerOptions server = new(ServerOptions.Kinds.Any, required: false);
    private readonly DirectoryOptions directories = new();
    private readonly SelectionOptions selection = new(withTimes: true);
    private readonly Option<bool> detailed = new("--detailed")
    {
        Description = "Read the shards through and count series, points and pending deletes. Of a backup or of directories.",
    };

    private readonly Option<int?> throttleLimit = CommonOptions.ThrottleLimit();

    public ShardsVerb()
        : base("shards", "List the shards of a running server or cluster, of a stopped server's directories, or of a backup.")
    {
        Options.Add(path);
        Options.Add(timestamp);
        server.AddTo(this);
        directories.AddTo(this);
        selection.AddTo(this);
        Options.Add(detailed);
        Options.Add(throttleLimit);
        Validators.Add(result =>
        {
            var given = new[] { result.GetResult(path) is not null, server.IsGiven(result), directories.IsGiven(result) }.Count(g => g);
            if (given != 1)
            {
                result.AddError("Give one of --path, --data-node, --meta-node and --data-directory.");
            }
            else if (server.IsGiven(result) && (result.GetResult(detailed) ?? result.GetResult(throttleLimit) as object) is not null)
            {
                result.AddError("--detailed and --throttle-limit are for backups and directories: a running server is not read through.");
            }
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        IReadOnlyList<ShardInfo> shards;
        using (var progress = console.BeginTransfer("Reading"))
        {
            shards = await ReadAsync(arguments, console, progress, cancel);
        }

        Write(shards, console);
        var errors = shards.Where(s => s.Error is not null).Select(s => s.Error!).ToList();
        errors.ForEach(console.WriteError);
        return errors.Count == 0 ? ExitCode.Complete : errors.Count < shards.Count ? ExitCode.Partial : ExitCode.Failed;
    }

    /// <summary>A table for people, an object a shard for programs.</summary>
    internal static void Write(IReadOnlyList<ShardInfo> shards, ConsoleOutput console)
    {
        if (!console.IsJson)
        {
            console.WriteResult(shards, () => Lines(shards, console.Style));
            return;
        }

        foreach (var shard in shards)
        {
            console.WriteResult(Shapes.Shard(shard), () => []);
        }
    }

    private async Task<IReadOnlyList<ShardInfo>> ReadAsync(ParseResult arguments, ConsoleOutput console, TransferReport progress, CancellationToken cancel)
    {
        var chosen = selection.Read(arguments);
        if (server.IsCluster(arguments.CommandResult))
        {
            return Warned(await new ClusterOperation(server.ReadCluster(arguments), console.Logger).ReadShardsAsync(chosen, cancel), console);
        }

        if (server.IsGiven(arguments.CommandResult))
        {
            return await CatalogOperation.ReadServerAsync(server.Read(arguments), chosen, cancel);
        }

        var operation = arguments.GetValue(detailed)
            ? new ShardDetailOperation(new ShardDetailOptions { Parallelism = arguments.GetValue(throttleLimit), Logger = console.Logger, Progress = progress })
            : null;
        if (!directories.IsGiven(arguments.CommandResult))
        {
            var set = arguments.GetRequiredValue(path)!;
            var name = arguments.GetValue(timestamp);
            return operation is null
                ? CatalogOperation.ReadBackup(set, name, chosen).Shards
                : await operation.ReadBackupAsync(set, name, chosen, cancel);
        }

        var opened = directories.Open(arguments);
        var catalog = operation is null
            ? CatalogOperation.ReadDirectories(opened, chosen, cancel)
            : await operation.ReadDirectoriesAsync(opened, chosen, cancel);
        return Warned(catalog, console);
    }

    private static IReadOnlyList<ShardInfo> Warned(ShardCatalog catalog, ConsoleOutput console)
    {
        foreach (var warning in catalog.Warnings)
        {
            console.WriteWarning(warning);
        }

        return catalog.Shards;
    }

    /// <summary>Columns of which nothing is known are left out: a server tells sizes only over HTTP.</summary>
    private static IEnumerable<string> Lines(IReadOnlyList<ShardInfo> shards, TextStyle style)
    {
        if (shards.Count == 0)
        {
            return ["No shards."];
        }

        var columns = new List<(string Heading, Func<ShardInfo, string?> Cell)>
        {
            ("DATABASE", s => s.Database),
            ("POLICY", s => s.RetentionPolicy),
            (">SHARD", s => s.ShardId.ToString(CultureInfo.InvariantCulture)),
            ("START", s => s.StartTime is { } time ? Text.Time(time) : null),
            ("END", s => s.EndTime is { } time ? Text.Time(time) : null),
            (">FILES", s => s.TsmFiles?.ToString(CultureInfo.InvariantCulture)),
            (">WAL", s => s.WalSegments?.ToString(CultureInfo.InvariantCulture)),
            (">SIZE", s => s.Size is { } size ? Text.Size(size) : null),
            (">COPIES", s => s.Owners is null ? null : $"{s.Owners.Count(o => o.IsPresent == true)}/{s.ReplicationFactor}"),
            ("OWNERS", s => s.Owners is null ? null : string.Join(", ", s.Owners)),
            (">STORED", s => s.StoredSize is { } size ? Text.Size(size) : null),
            (">SERIES", s => s.Series?.ToString(CultureInfo.InvariantCulture)),
            (">POINTS", s => s.Points?.ToString(CultureInfo.InvariantCulture)),
            ("FIRST POINT", s => s.FirstPointTime is { } time ? Text.Time(time) : null),
            ("LAST POINT", s => s.LastPointTime is { } time ? Text.Time(time) : null),
            ("DELETES", s => s.HasPendingDeletes == true ? "pending" : null),
            ("", s => s.Error is not null ? "not readable" : s.IsPresent ? null : s.Owners is not null ? s.IsUnderReplicated == true ? "not reachable" : "empty" : s.Path is null ? "not on this node" : "missing"),
        };
        columns.RemoveAll(c => shards.All(s => c.Cell(s) is null));
        var table = new Table([.. columns.Select(c => c.Heading)]);
        foreach (var shard in shards)
        {
            table.Add([.. columns.Select(c => c.Cell(shard) ?? (c.Heading.Length == 0 ? "" : "-"))]);
        }

        return table.Lines(style: style);
    }
}
