using System.Management.Automation;
using System.Security;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Cmdlets;

/// <summary>Tells of the nodes of a cluster, what they hold, and what is wrong.</summary>
[Cmdlet(VerbsCommon.Get, "InfluxCluster")]
[OutputType(typeof(ClusterInfo))]
public sealed class GetInfluxClusterCommand : EngineCmdlet
{
    /// <summary>Host and port of meta nodes; any that is up serves.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string[] MetaNode { get; set; } = [];

    /// <summary>User of the meta nodes.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Secret that signs the tokens for meta nodes.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? SharedSecret { get; set; }

    /// <summary>The user that the tokens are for; empty for those of a node.</summary>
    [Parameter]
    [AllowEmptyString]
    public string? UserName { get; set; }

    /// <summary>The meta nodes speak HTTPS.</summary>
    [Parameter]
    public SwitchParameter UseTls { get; set; }

    /// <summary>The backup service of the data nodes speaks TLS.</summary>
    [Parameter]
    public SwitchParameter UseDataNodeTls { get; set; }

    /// <summary>Accept any certificate.</summary>
    [Parameter]
    public SwitchParameter SkipCertificateCheck { get; set; }

    /// <summary>Longest wait for an answer; a number means seconds.</summary>
    [Parameter]
    [Timeout]
    public TimeSpan? Timeout { get; set; }

    private ClusterAccess CreateAccess() => new ClusterParameters(MetaNode)
    {
        Credential = Credential.ToInfluxCredential(),
        SharedSecret = SharedSecret,
        UserName = UserName,
        UseTls = UseTls,
        UseDataNodeTls = UseDataNodeTls,
        SkipCertificateCheck = SkipCertificateCheck,
        Timeout = Timeout,
    }.ToAccess();

    /// <inheritdoc/>
    private protected override void ProcessInput() => WriteObject(Await(new ClusterOperation(CreateAccess(), Logger).ReadAsync));

    /// <summary>There is one cluster and nothing else to go on with.</summary>
    private protected override bool IsTerminating(InfluxBackupException error) => true;
}
