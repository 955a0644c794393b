using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// Checks the credentials of HTTP requests as the servers do: parameters <c>u</c> and <c>p</c>, Basic, <c>Token user:password</c>,
/// and <c>Bearer</c> with a JSON web token whose HMAC is made with a shared secret, whatever its length.
/// </summary>
internal sealed class HttpAuthentication(EmulatedAuthentication? settings, Func<Data> metadata)
{
    /// <summary>Looks like bcrypt and is none: its 60 characters hold a salt and SHA-256, which is fast.</summary>
    private const string HashPrefix = "$2a$10$";
    private const int SaltLength = 22;
    private const int DigestLength = 31;

    /// <summary>The answer to a request without the right to be carried out; null where it may go on.</summary>
    /// <param name="request">The request.</param>
    /// <param name="needsAdministrator">Whether without any administrator nobody gets in, as on meta nodes.</param>
    public HttpResponse? Refuse(HttpRequest request, bool needsAdministrator = true)
    {
        if (settings is null)
        {
            return null;
        }

        var data = metadata();
        if (needsAdministrator && !data.Users.Any(u => u.Admin))
        {
            return HttpResponse.JsonError(400, "must create admin user first");
        }

        return Error(request, data) is { } error ? HttpResponse.JsonError(401, error) : null;
    }

    /// <summary>A hash that this class recognizes; hashes of real servers match no password here.</summary>
    public static string Hash(string password) => Hash(password, Convert.ToHexString(RandomNumberGenerator.GetBytes(SaltLength / 2)));

    private static string Hash(string password, string salt) =>
        $"{HashPrefix}{salt}{Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(salt + password)))[..DigestLength]}";

    private static bool IsPassword(UserInfo user, string password) =>
        user.Hash.StartsWith(HashPrefix, StringComparison.Ordinal)
        && user.Hash.Length == HashPrefix.Length + SaltLength + DigestLength
        && user.Hash == Hash(password, user.Hash.Substring(HashPrefix.Length, SaltLength));

    private string? Error(HttpRequest request, Data data)
    {
        if (request.Header("Authorization").Split(' ') is ["Bearer", var token] && request.Parameter("u").Length == 0)
        {
            return TokenError(token, data);
        }

        if (Credentials(request) is not var (user, password))
        {
            return "unable to parse authentication credentials";
        }

        if (user.Length == 0)
        {
            return "username required";
        }

        return data.Users.FirstOrDefault(u => u.Name == user) is { } found && IsPassword(found, password) ? null : "authorization failed";
    }

    private static (string User, string Password)? Credentials(HttpRequest request)
    {
        if (request.Parameter("u").Length > 0 && request.Parameter("p").Length > 0)
        {
            return (request.Parameter("u"), request.Parameter("p"));
        }

        var pair = request.Header("Authorization").Split(' ') switch
        {
            ["Token", var plain] => plain,
            [var scheme, var encoded] when scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) => Encoding.UTF8.GetString(Decode(encoded) ?? []),
            _ => "",
        };
        return pair.Split(':', 2) is [var user, var password] ? (user, password) : null;
    }

    private string? TokenError(string token, Data data)
    {
        if (token.Split('.') is not [var header, var payload, var signature])
        {
            return "token is malformed: token contains an invalid number of segments";
        }

        if (Decode(header) is not { Length: > 0 } head || Decode(payload) is not { Length: > 0 } body || Decode(signature) is not { } sign)
        {
            return "token is malformed: failed to decode token header";
        }

        using var claims = JsonDocument.Parse(body);
        if (!claims.RootElement.TryGetProperty("username", out var name) || name.ValueKind != JsonValueKind.String)
        {
            return "username in token must be a string";
        }

        var isInternal = name.GetString()!.Length == 0;
        var secret = isInternal ? settings!.InternalSharedSecret ?? "" : settings!.SharedSecret;
        if (string.IsNullOrEmpty(secret) && !isInternal)
        {
            return "bearer auth disabled";
        }

        if (!IsSigned($"{header}.{payload}", head, sign, Encoding.UTF8.GetBytes(secret!)) || IsExpired(claims.RootElement))
        {
            return "signature is invalid";
        }

        return isInternal || data.Users.Any(u => u.Name == name.GetString()) ? null : "user not found";
    }

    private static bool IsSigned(string text, byte[] header, byte[] signature, byte[] secret)
    {
        using var head = JsonDocument.Parse(header);
        var bytes = Encoding.UTF8.GetBytes(text);
        var expected = head.RootElement.GetProperty("alg").GetString() switch
        {
            "HS256" => HMACSHA256.HashData(secret, bytes),
            "HS384" => HMACSHA384.HashData(secret, bytes),
            "HS512" => HMACSHA512.HashData(secret, bytes),
            _ => null,
        };
        return expected is not null && CryptographicOperations.FixedTimeEquals(expected, signature);
    }

    private static bool IsExpired(JsonElement claims) =>
        !claims.TryGetProperty("exp", out var expires) || expires.GetDouble() < DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Base 64 of either alphabet; null if it is none.</summary>
    private static byte[]? Decode(string encoded)
    {
        var text = encoded.Replace('-', '+').Replace('_', '/');
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), bytes, out var length) ? bytes[..length] : null;
    }
}
