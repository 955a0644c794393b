using System.Globalization;

namespace InfluxBackup;

/// <summary>The text form that addresses of all kinds of nodes share: <c>host</c>, <c>host:port</c>, <c>[ipv6]</c> or <c>[ipv6]:port</c>.</summary>
internal static class HostAndPort
{
    /// <summary>Reads an address without a scheme.</summary>
    /// <param name="text">What the user gave.</param>
    /// <param name="defaultPort">The port where none is given.</param>
    /// <param name="invalid">Makes the error out of the reason why this is no address.</param>
    public static (string Host, int Port) Parse(string text, int defaultPort, Func<string, InfluxBackupException> invalid)
    {
        var trimmed = text.Trim();
        string host;
        string? port = null;
        var colons = trimmed.Count(c => c == ':');
        if (trimmed.StartsWith('[') && trimmed.IndexOf(']', StringComparison.Ordinal) is var end and > 0)
        {
            host = trimmed[1..end];
            var rest = trimmed[(end + 1)..];
            port = rest.Length == 0 ? null : rest.StartsWith(':') ? rest[1..] : throw invalid("only ':port' may follow the bracket");
        }
        else if (colons == 1)
        {
            host = trimmed[..trimmed.IndexOf(':', StringComparison.Ordinal)];
            port = trimmed[(host.Length + 1)..];
        }
        else
        {
            host = trimmed; // A bare IPv6 address has many colons and no port.
        }

        if (host.Length == 0 || host.Any(c => char.IsWhiteSpace(c) || c is '/' or '[' or ']' or '@' or '?' or '#'))
        {
            throw invalid("it has no host name");
        }

        if (port is null)
        {
            return (host, defaultPort);
        }

        return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536
            ? (host, number)
            : throw invalid("its port is not a number from 1 to 65535");
    }

    public static string Format(string host, int port) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
}
