namespace InfluxBackup.Operations;

/// <summary>Restores a backup to a running server.</summary>
public sealed class RestoreOperation(RestoreOptions options)
{
    /// <summary>Checks the backup and the server and decides what to do. Changes nothing. Conflicts are in the plan.</summary>
    public Task<RestorePlan> PlanAsync(CancellationToken cancel) => throw new NotImplementedException(options.Path);

    /// <summary>Does what the plan says; throws the first conflict of a plan that has any.</summary>
    public Task<RestoreResult> RunAsync(RestorePlan plan, CancellationToken cancel) => throw new NotImplementedException(options.Path);
}
