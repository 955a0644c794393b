using System.CommandLine;

namespace InfluxBackup.Cli.Arguments;

/// <summary>How a verb speaks; the same for all of them.</summary>
internal static class OutputOptions
{
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write one JSON object a line: results to stdout, errors to stderr.",
        Recursive = true,
    };

    public static Option<bool> Quiet { get; } = new("--quiet", "-q")
    {
        Description = "Write errors only.",
        Recursive = true,
    };

    public static Option<bool> Verbose { get; } = new("--verbose", "-v")
    {
        Description = "Write what is being done, shard by shard.",
        Recursive = true,
    };
}
