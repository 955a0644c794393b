using System.Management.Automation;
using System.Security;
using InfluxBackup.Operations;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>
/// Base of the cmdlets that talk to one server or to a cluster. What serves for both is declared anew, because a cmdlet for servers
/// alone must not have the parameter set of clusters.
/// </summary>
public abstract class ClusterCmdlet : ServerCmdlet
{
    /// <summary>Name of the parameter set in which a cluster is named.</summary>
    protected const string ClusterSet = "Cluster";

    /// <summary>Host and port of meta nodes of a cluster; any that is up serves.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ClusterSet)]
    [ValidateNotNullOrEmpty]
    public string[] MetaNode { get; set; } = [];

    /// <summary>User of the HTTP API; of the meta nodes too.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    [Credential]
    public override PSCredential? Credential { get; set; }

    /// <summary>Secret that signs the tokens for meta nodes.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    [ValidateNotNull]
    public SecureString? SharedSecret { get; set; }

    /// <summary>The user that the tokens are for; empty for those of a node.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    [AllowEmptyString]
    public string? UserName { get; set; }

    /// <summary>The backup service is behind TLS; of a cluster, the meta nodes speak HTTPS.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public override SwitchParameter UseTls { get; set; }

    /// <summary>The backup service of the data nodes speaks TLS.</summary>
    [Parameter(ParameterSetName = ClusterSet)]
    public SwitchParameter UseDataNodeTls { get; set; }

    /// <summary>Accept any certificate.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    public override SwitchParameter SkipCertificateCheck { get; set; }

    /// <summary>Longest silence on a connection; a number means seconds.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Parameter(ParameterSetName = ClusterSet)]
    [Timeout]
    public override TimeSpan? Timeout { get; set; }

    /// <summary>What the parameters name, one server or a cluster.</summary>
    private protected InfluxAccess Access => ParameterSetName == ClusterSet ? Cluster : Server;

    private protected ClusterAccess Cluster => new ClusterParameters(MetaNode)
    {
        Credential = Login,
        SharedSecret = SharedSecret,
        UserName = UserName,
        UseTls = UseTls,
        UseDataNodeTls = UseDataNodeTls,
        SkipCertificateCheck = SkipCertificateCheck,
        Timeout = Timeout,
    }.ToAccess();
}
