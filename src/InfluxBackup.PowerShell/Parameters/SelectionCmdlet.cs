using System.Management.Automation;
using InfluxBackup.Metadata;
using InfluxBackup.PowerShell.Completion;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>Base of the cmdlets that can be limited to some shards.</summary>
public abstract class SelectionCmdlet : EngineCmdlet
{
    /// <summary>Only these databases.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    public string[]? Database { get; set; }

    /// <summary>Only these retention policies of the one database.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(RetentionPolicyCompleter))]
    public string[]? RetentionPolicy { get; set; }

    /// <summary>Only these shards.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ShardIdCompleter))]
    public ulong[]? ShardId { get; set; }

    private protected ShardSelection Selection => new()
    {
        Databases = Database ?? [],
        RetentionPolicies = RetentionPolicy ?? [],
        ShardIds = ShardId ?? [],
    };
}
