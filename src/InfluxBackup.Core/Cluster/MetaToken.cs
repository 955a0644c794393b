using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace InfluxBackup.Cluster;

/// <summary>
/// The token that meta nodes take as <c>Authorization: Bearer</c>: a JSON Web Token (RFC 7519) signed with HMAC-SHA-512, whose key is
/// the shared secret's bytes as they are.
/// <code>
/// base64url({"alg":"HS512","typ":"JWT"}) . base64url({"username":"…","exp":seconds since 1970}) . base64url(signature)
/// </code>
/// Libraries for such tokens refuse keys shorter than the hash, 64 bytes; the servers take a secret of any length.
/// </summary>
public static class MetaToken
{
    /// <summary>How long a token is good for; each request has its own. Clocks may differ by as much.</summary>
    public static readonly TimeSpan Validity = TimeSpan.FromMinutes(5);

    /// <summary>Signs a token.</summary>
    /// <param name="userName">An existing user; empty for the token that nodes use among themselves.</param>
    public static string Create(SharedSecret secret, string userName, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(secret);
        var claims = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(claims))
        {
            json.WriteStartObject();
            json.WriteString("username", userName);
            json.WriteNumber("exp", (now + Validity).ToUnixTimeSeconds());
            json.WriteEndObject();
        }

        var signed = $"{Base64Url("""{"alg":"HS512","typ":"JWT"}"""u8)}.{Base64Url(claims.WrittenSpan)}";
        var signature = HMACSHA512.HashData(Encoding.UTF8.GetBytes(secret.Text), Encoding.ASCII.GetBytes(signed));
        return $"{signed}.{Base64Url(signature)}";
    }

    private static string Base64Url(ReadOnlySpan<byte> bytes) =>
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
