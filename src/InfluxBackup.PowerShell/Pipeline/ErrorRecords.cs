using System.Management.Automation;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>The engine's errors as PowerShell's.</summary>
internal static class ErrorRecords
{
    public static ErrorRecord ToErrorRecord(this InfluxBackupException error, object? target = null) =>
        new(error, error.Id, CategoryOf(error.Kind), target ?? error.Subject)
        {
            ErrorDetails = new ErrorDetails(error.FullMessage) { RecommendedAction = error.Remedy ?? "" },
        };

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
