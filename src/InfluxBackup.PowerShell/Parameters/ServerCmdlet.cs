using System.Management.Automation;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>Base of the cmdlets that talk to a server.</summary>
public abstract class ServerCmdlet : SelectionCmdlet
{
    /// <summary>Name of the parameter set in which a server is named.</summary>
    protected const string ServerSet = "Server";

    /// <summary>Host and port of the backup service.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ServerSet)]
    [Alias("ComputerName")]
    [ValidateNotNullOrEmpty]
    public string DataNode { get; set; } = "";

    /// <summary>Address of the HTTP API.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [ValidateNotNullOrEmpty]
    public string? HttpUri { get; set; }

    /// <summary>User of the HTTP API.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Credential]
    public virtual PSCredential? Credential { get; set; }

    /// <summary>The backup service is behind TLS.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    public virtual SwitchParameter UseTls { get; set; }

    /// <summary>Accept any certificate.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    public virtual SwitchParameter SkipCertificateCheck { get; set; }

    /// <summary>Longest silence on a connection; a number means seconds.</summary>
    [Parameter(ParameterSetName = ServerSet)]
    [Timeout]
    public virtual TimeSpan? Timeout { get; set; }

    private protected ServerAccess Server
    {
        get
        {
            var connection = new SnapshotterOptions { UseTls = UseTls, SkipCertificateCheck = SkipCertificateCheck };
            return new ServerAccess
            {
                DataNode = DataNodeAddress.Parse(DataNode),
                Connection = Timeout is { } idle ? connection with { IdleTimeout = idle } : connection,
                Http = HttpUri is not null ? Http(HttpUri) : Credential is null ? null : throw HttpUriRequired(),
            };
        }
    }

    private protected InfluxCredential? Login => Credential.ToInfluxCredential();

    private static InfluxBackupException HttpUriRequired() =>
        new("HttpUriRequired", ErrorKind.InvalidArgument, "A credential was given, but no address of the HTTP API that it is for.")
        {
            Remedy = "Give -HttpUri too, for instance http://influx01:8086; the backup service itself knows no users.",
        };

    private InfluxHttpOptions Http(string uri)
    {
        var http = new InfluxHttpOptions { Uri = InfluxHttpOptions.ParseUri(uri), SkipCertificateCheck = SkipCertificateCheck, Credential = Login };
        return Timeout is { } timeout ? http with { Timeout = timeout } : http;
    }
}
