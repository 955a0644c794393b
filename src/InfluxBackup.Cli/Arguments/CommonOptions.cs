using System.CommandLine;

namespace InfluxBackup.Cli.Arguments;

/// <summary>Options that several verbs have; each verb makes its own.</summary>
internal static class CommonOptions
{
    public static Option<string?> Path(bool required, string description) => new("--path") { Description = description, HelpName = "directory", Required = required };

    public static Option<string?> Timestamp(string otherwise) => new("--timestamp")
    {
        Description = $"Which backup of the set, for instance 20240501T120000Z; {otherwise}.",
        HelpName = "timestamp",
    };

    public static Option<int?> ThrottleLimit() => new("--throttle-limit")
    {
        Description = "Shards in flight at once. [default: by the number of processors]",
        HelpName = "number",
        CustomParser = ArgumentParsers.Positive,
    };

    public static Option<bool> AllowPartial(string description) => new("--allow-partial") { Description = description };

    public static Option<bool> WhatIf() => new("--what-if") { Description = "Show the plan and change nothing." };
}
