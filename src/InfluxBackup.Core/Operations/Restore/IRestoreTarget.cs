using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>What a restore goes to: a single server or a cluster. They differ in how databases come to be and in who owns a shard.</summary>
internal interface IRestoreTarget : IAsyncDisposable
{
    /// <summary>What was made so far, in words: for a restore that breaks off.</summary>
    IReadOnlyList<string> Created { get; }

    /// <summary>Cancelled when the restore must not go on, for instance because another one has taken its place.</summary>
    CancellationToken Lost { get; }

    /// <summary>Looks whether the target can take the databases; changes nothing.</summary>
    /// <param name="wanted">The databases under their new names, with policies and groups. May be changed to what the target can have.</param>
    /// <param name="findings">Takes conflicts and warnings.</param>
    Task ExamineAsync(Data wanted, RestoreFindings findings, CancellationToken cancel);

    /// <summary>Creates databases, policies and shard groups, and says where each shard goes.</summary>
    Task<PreparedRestore> PrepareAsync(RestorePlan plan, CancellationToken cancel);

    /// <summary>Restores what is no shard: continuous queries, users, grants.</summary>
    Task<IReadOnlyList<RestoredObject>> RestoreObjectsAsync(RestorePlan plan, CancellationToken cancel);
}

/// <summary>Where the shards of a restore go.</summary>
/// <param name="Placement">What goes into which shard of the target.</param>
/// <param name="Owners">The data nodes that hold a shard of the target.</param>
/// <param name="Warnings">What the user should know.</param>
internal sealed record PreparedRestore(ShardPlacement Placement, Func<ShardKey, IReadOnlyList<LiveNode>> Owners, IReadOnlyList<string> Warnings);

/// <summary>What stands against a restore, and what the user should know of it.</summary>
internal sealed class RestoreFindings(bool allowPartial)
{
    public List<InfluxBackupException> Conflicts { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>What stops a restore, unless partial ones are allowed.</summary>
    public void Report(InfluxBackupException problem)
    {
        if (allowPartial)
        {
            Warnings.Add(problem.Message);
        }
        else
        {
            Conflicts.Add(problem);
        }
    }
}
