using System.Globalization;

namespace InfluxBackup.Snapshotter;

/// <summary>Host and port of a data node's backup service; <c>bind-address</c> in influxdb.conf.</summary>
public sealed record DataNodeAddress(string Host, int Port)
{
    /// <summary>The service's port unless the server was configured otherwise.</summary>
    public const int DefaultPort = 8088;

    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[ipv6]</c> or <c>[ipv6]:port</c>.</summary>
    /// <exception cref="InfluxBackupException">The text is no address.</exception>
    public static DataNodeAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        if (trimmed.Contains("://", StringComparison.Ordinal))
        {
            throw Invalid(text, "leave out the scheme: the backup service is not HTTP");
        }

        string host;
        string? port = null;
        var colons = trimmed.Count(c => c == ':');
        if (trimmed.StartsWith('[') && trimmed.IndexOf(']', StringComparison.Ordinal) is var end and > 0)
        {
            host = trimmed[1..end];
            var rest = trimmed[(end + 1)..];
            port = rest.Length == 0 ? null : rest.StartsWith(':') ? rest[1..] : throw Invalid(text, "only ':port' may follow the bracket");
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

        if (host.Length == 0 || host.Any(c => char.IsWhiteSpace(c) || c is '/' or '[' or ']'))
        {
            throw Invalid(text, "it has no host name");
        }

        if (port is null)
        {
            return new DataNodeAddress(host, DefaultPort);
        }

        return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536
            ? new DataNodeAddress(host, number)
            : throw Invalid(text, "its port is not a number from 1 to 65535");
    }

    /// <inheritdoc/>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    private static InfluxBackupException Invalid(string text, string why) =>
        new("DataNodeAddressInvalid", ErrorKind.InvalidArgument, $"'{text}' is not the address of a data node: {why}.")
        {
            Subject = text,
            Remedy = "Give host or host:port, for instance influx01:8088.",
        };
}
