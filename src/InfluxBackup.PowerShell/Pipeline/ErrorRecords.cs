using System.Management.Automation;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>The engine's errors as PowerShell's.</summary>
internal static class ErrorRecords
{
    public static ErrorRecord ToErrorRecord(this InfluxBackupException error, object? target = null) =>
        new(error, error.Id, CategoryOf(error.Kind), target ?? error.Subject)
        {
            ErrorDetails = new ErrorDetails(ShowsRecommendations ? error.Message : error.FullMessage) { RecommendedAction = error.Remedy ?? "" },
        };

    /// <summary>From 7.5 on PowerShell prints what it recommends below the message; before, only the message reaches the reader.</summary>
    private static bool ShowsRecommendations { get; } = typeof(PSObject).Assembly.GetName().Version >= new Version(7, 5);

    private static ErrorCategory CategoryOf(ErrorKind kind) => kind switch
    {
        ErrorKind.Connection => ErrorCategory.ConnectionError,
        ErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        ErrorKind.Exists => ErrorCategory.ResourceExists,
        ErrorKind.InvalidData => ErrorCategory.InvalidData,
        ErrorKind.InvalidArgument => ErrorCategory.InvalidArgument,
        ErrorKind.Read => ErrorCategory.ReadError,
        ErrorKind.Write => ErrorCategory.WriteError,
        ErrorKind.Busy => ErrorCategory.ResourceBusy,
        ErrorKind.Security => ErrorCategory.AuthenticationError,
        ErrorKind.Unsupported => ErrorCategory.InvalidOperation,
        _ => ErrorCategory.NotSpecified,
    };
}
