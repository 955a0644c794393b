using System.Management.Automation;
using InfluxBackup.Http;
using InfluxBackup.PowerShell.Pipeline;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>Base of the cmdlets that talk to the HTTP API alone.</summary>
public abstract class HttpCmdlet : EngineCmdlet
{
    /// <summary>Address of the HTTP API; several for the data nodes of a cluster.</summary>
    [Parameter(Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string[] HttpUri { get; set; } = [];

    /// <summary>User of the HTTP API.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Accept any certificate.</summary>
    [Parameter]
    public SwitchParameter SkipCertificateCheck { get; set; }

    /// <summary>Longest time that a request may take; a number means seconds.</summary>
    [Parameter]
    [Timeout]
    public TimeSpan? Timeout { get; set; }

    private protected IReadOnlyList<InfluxHttpOptions> Servers
    {
        get
        {
            var login = Credential.ToInfluxCredential();
            return [.. HttpUri.Select(uri => new InfluxHttpOptions
            {
                Uri = InfluxHttpOptions.ParseUri(uri),
                SkipCertificateCheck = SkipCertificateCheck,
                Credential = login,
                Timeout = Timeout ?? TimeSpan.FromMinutes(2),
            })];
        }
    }
}
