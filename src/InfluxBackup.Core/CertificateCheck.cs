using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace InfluxBackup;

/// <summary>Judges a server's certificate as the system does, and says in words what is wrong with it: the system's own words name no cause.</summary>
internal static class CertificateCheck
{
    /// <param name="skip">Accept any certificate, because the user asked for it.</param>
#pragma warning disable CA5359 // Any certificate is accepted only where the user asked for it by name.
    public static RemoteCertificateValidationCallback Of(bool skip) => skip ? (_, _, _, _) => true : Validate;
#pragma warning restore CA5359

    private static bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        var problems = new List<string>();
        if (certificate is null)
        {
            problems.Add("it has no certificate");
        }
        else
        {
            using var read = new X509Certificate2(certificate);
            var now = DateTime.UtcNow;
            var (from, to) = (read.NotBefore.ToUniversalTime(), read.NotAfter.ToUniversalTime());
            if (now < from || now > to)
            {
                problems.Add(now > to ? $"its certificate expired on {to:u}" : $"its certificate is not valid before {from:u}");
            }

            if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            {
                problems.Add("its certificate is for another name");
            }

            if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
            {
                var status = (chain?.ChainStatus ?? []).Where(s => s.Status != X509ChainStatusFlags.NotTimeValid).Select(s => s.StatusInformation.Trim().TrimEnd('.'));
                problems.AddRange(status.Where(s => s.Length > 0).Distinct().Select(s => $"its certificate is not trusted here ({s})"));
            }
        }

        throw new AuthenticationException(problems.Count > 0 ? string.Join("; ", problems) + "." : $"its certificate is refused ({errors}).");
    }
}
