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
    private readonly ServerOptions server = new(required: false);
    private readonly SelectionOptions selection = new(withTimes: true);

    public ShardsVerb()
        : base("shards", "List the shards of a running server, or of a backup.")
    {
        Options.Add(path);
        Options.Add(timestamp);
        server.AddTo(this);
        selection.AddTo(this);
        Validators.Add(result =>
        {
            if ((result.GetResult(path) is null) != server.IsGiven(result))
            {
                result.AddError("Give either --path or --data-node.");
            }
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, ConsoleOutput console, CancellationToken cancel)
    {
        var chosen = selection.Read(arguments);
        var shards = server.IsGiven(arguments.CommandResult)
            ? await CatalogOperation.ReadServerAsync(server.Read(arguments), chosen, cancel)
            : CatalogOperation.ReadBackup(arguments.GetRequiredValue(path)!, arguments.GetValue(timestamp), chosen).Shards;
        if (!console.IsJson)
        {
            console.WriteResult(shards, () => Lines(shards, console.Style));
            return ExitCode.Complete;
        }

        foreach (var shard in shards)
        {
            console.WriteResult(Shapes.Shard(shard), () => []);
        }

        return ExitCode.Complete;
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
            ("START", s => Text.Time(s.StartTime)),
            ("END", s => Text.Time(s.EndTime)),
            (">FILES", s => s.TsmFiles?.ToString(CultureInfo.InvariantCulture)),
            (">SIZE", s => s.Size is { } size ? Text.Size(size) : null),
            (">STORED", s => s.StoredSize is { } size ? Text.Size(size) : null),
            ("", s => s.IsPresent ? null : s.Path is null ? "not on this node" : "missing"),
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
