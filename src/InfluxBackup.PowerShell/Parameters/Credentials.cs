using System.Management.Automation;
using InfluxBackup.Http;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>PowerShell's credentials as the engine's.</summary>
internal static class Credentials
{
    /// <summary>Null for none, and for the empty one that PowerShell makes of <c>$null</c>.</summary>
    public static InfluxCredential? ToInfluxCredential(this PSCredential? credential)
    {
        if (credential is null || credential == PSCredential.Empty)
        {
            return null;
        }

        var login = credential.GetNetworkCredential();
        // A name may have a backslash in it, which a network credential takes for a domain.
        return new InfluxCredential(credential.UserName, login.Password);
    }
}
