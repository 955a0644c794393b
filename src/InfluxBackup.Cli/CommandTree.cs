using System.CommandLine;
using System.CommandLine.Parsing;
using InfluxBackup.Cli.Arguments;
using InfluxBackup.Cli.Output;
using InfluxBackup.Cli.Verbs;

namespace InfluxBackup.Cli;

/// <summary>The verbs and what they have in common.</summary>
internal static class CommandTree
{
    private static readonly ParserConfiguration Configuration = new()
    {
        // A database may be called @home.
        ResponseFileTokenReplacer = null,
        EnablePosixBundling = false,
    };

    public static ParseResult Parse(IReadOnlyList<string> arguments) => Create().Parse(arguments, Configuration);

    /// <summary>Says what is wrong with the options.</summary>
    public static int ReportUsage(ParseResult arguments)
    {
        var console = ConsoleOutput.Of(arguments);
        foreach (var message in Messages(arguments).Distinct())
        {
            console.WriteError(new InfluxBackupException("UsageInvalid", ErrorKind.InvalidArgument, message));
        }

        var verb = arguments.CommandResult.Command is RootCommand ? "" : arguments.CommandResult.Command.Name + " ";
        console.WriteNote($"See: influxbackup {verb}--help");
        return ExitCode.Usage;
    }

    private static IEnumerable<string> Messages(ParseResult arguments)
    {
        if (arguments.CommandResult.Command is not RootCommand root)
        {
            return arguments.Errors.Select(e => e.Message);
        }

        var verbs = string.Join(", ", root.Subcommands.Select(c => c.Name));
        return [arguments.UnmatchedTokens is [var unknown, ..] ? $"'{unknown}' is not a verb. There are: {verbs}." : $"Give a verb: {verbs}."];
    }

    private static RootCommand Create() =>
        new("Backs up InfluxDB 1.x servers and restores what was backed up.\n\n"
            + "Exit codes: 0 complete, 3 partial, 1 failed, 2 wrong options, 130 cancelled.")
        {
            OutputOptions.Json,
            OutputOptions.Quiet,
            OutputOptions.Verbose,
            new BackupVerb(),
            new RestoreVerb(),
            new ImportVerb(),
            new ManifestVerb(),
            new TestVerb(),
            new ShardsVerb(),
            new ClusterVerb(),
            new ExportVerb(),
            new DemoVerb(),
        };
}
