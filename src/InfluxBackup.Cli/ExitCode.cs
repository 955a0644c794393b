using InfluxBackup.Transfer;

namespace InfluxBackup.Cli;

/// <summary>What the program tells the shell.</summary>
internal static class ExitCode
{
    public const int Complete = 0;

    public const int Failed = 1;

    /// <summary>The options, or a combination of them, make no sense.</summary>
    public const int Usage = 2;

    public const int Partial = 3;

    /// <summary>Ended by Ctrl+C or a request to terminate; what shells expect after SIGINT.</summary>
    public const int Cancelled = 130;

    public static int Of(Outcome outcome) => outcome switch
    {
        Outcome.Complete => Complete,
        Outcome.Partial => Partial,
        _ => Failed,
    };

    /// <summary>Several results in one: complete only when all of them are.</summary>
    public static int Of(IReadOnlyCollection<Outcome> outcomes) =>
        outcomes.All(o => o == Outcome.Complete) ? Complete
        : outcomes.Any(o => o != Outcome.Failed) ? Partial
        : Failed;

    public static int Of(InfluxBackupException error) => error.Kind == ErrorKind.InvalidArgument ? Usage : Failed;
}
