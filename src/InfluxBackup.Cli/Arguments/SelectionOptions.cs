using System.CommandLine;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cli.Arguments;

/// <summary>Which shards.</summary>
internal sealed class SelectionOptions(bool withTimes = false)
{
    private readonly Option<string[]> database = new("--database") { Description = "Only this database. May be given several times.", HelpName = "name" };

    private readonly Option<string[]> retentionPolicy = new("--retention-policy")
    {
        Description = "Only this retention policy of the one database given. May be given several times.",
        HelpName = "name",
    };

    private readonly Option<ulong[]> shardId = new("--shard-id")
    {
        Description = "Only this shard; database and policy are looked up. May be given several times.",
        HelpName = "id",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ArgumentParsers.ShardIds,
    };

    private readonly Option<DateTimeOffset?> start = new("--start")
    {
        Description = "Only shards that reach beyond this time (RFC 3339; UTC unless it has an offset). Shards are taken whole.",
        HelpName = "time",
        CustomParser = ArgumentParsers.Time,
    };

    private readonly Option<DateTimeOffset?> end = new("--end")
    {
        Description = "Only shards that begin no later than this time.",
        HelpName = "time",
        CustomParser = ArgumentParsers.Time,
    };

    public void AddTo(Command command)
    {
        Option[] options = withTimes ? [database, retentionPolicy, shardId, start, end] : [database, retentionPolicy, shardId];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    public ShardSelection Read(ParseResult arguments) => new()
    {
        Databases = arguments.GetValue(database) ?? [],
        RetentionPolicies = arguments.GetValue(retentionPolicy) ?? [],
        ShardIds = arguments.GetValue(shardId) ?? [],
        Start = withTimes ? arguments.GetValue(start) : null,
        End = withTimes ? arguments.GetValue(end) : null,
    };
}
