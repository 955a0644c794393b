using System.Management.Automation;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <content>Merging into databases that are there.</content>
public sealed partial class RestoreInfluxBackupCommand
{
    /// <summary>Bring the points into databases that exist.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter Merge { get; set; }

    /// <summary>Whose value stays where both have one.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public MergePreference Prefer { get; set; }

    private void MergeBackup()
    {
        var operation = new MergeOperation(CreateOptions(), Prefer);
        var plan = Await(operation.PlanAsync);
        WriteWarnings(plan.Warnings);
        if (Approve($"Merge {plan}", plan))
        {
            var result = Await(cancel => operation.RunAsync(plan, cancel));
            WriteObject(result);
            WriteWarnings(result.Warnings);
            WriteShardErrors(result.Shards.Select(s => s.Result));
            return;
        }

        foreach (var conflict in plan.Conflicts)
        {
            WriteError(conflict.ToErrorRecord());
        }
    }

    private void CheckPrefer()
    {
        if (MyInvocation.BoundParameters.ContainsKey(nameof(Prefer)) && !Merge)
        {
            throw MergeOperation.PreferWithoutMerge();
        }
    }
}
