namespace InfluxBackup.Operations;

/// <summary>Backs up a running server.</summary>
public sealed class BackupOperation(BackupOptions options)
{
    /// <summary>Asks the server what there is and decides what to take. Changes nothing.</summary>
    public Task<BackupPlan> PlanAsync(CancellationToken cancel) => throw new NotImplementedException(options.Path);

    /// <summary>Does what the plan says.</summary>
    public Task<BackupResult> RunAsync(BackupPlan plan, CancellationToken cancel) => throw new NotImplementedException(options.Path);
}
