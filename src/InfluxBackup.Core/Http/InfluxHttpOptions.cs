namespace InfluxBackup.Http;

/// <summary>A user's name and password. Never printed.</summary>
public sealed class InfluxCredential(string userName, string password)
{
    public string UserName { get; } = userName;

    internal string Password { get; } = password;

    /// <inheritdoc/>
    public override string ToString() => UserName;
}

/// <summary>How to reach a server's HTTP API.</summary>
public sealed record InfluxHttpOptions
{
    /// <summary>For instance <c>http://influx01:8086</c>.</summary>
    public required Uri Uri { get; init; }

    public InfluxCredential? Credential { get; init; }

    /// <summary>Accept any certificate.</summary>
    public bool SkipCertificateCheck { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Reads an address; the scheme may be left out.</summary>
    /// <exception cref="InfluxBackupException">The text is no HTTP address.</exception>
    public static Uri ParseUri(string text)
    {
        var full = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        return Uri.TryCreate(full, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Query.Length == 0
            ? uri
            : throw new InfluxBackupException("HttpUriInvalid", ErrorKind.InvalidArgument, "The address of the HTTP API is not a plain http:// or https:// address.")
            {
                Remedy = "Give for instance http://influx01:8086; user and password go into the credential, not into the address, and nothing follows a question mark.",
            };
    }
}
