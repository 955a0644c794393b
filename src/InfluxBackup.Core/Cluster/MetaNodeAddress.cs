namespace InfluxBackup.Cluster;

/// <summary>Host and port of a meta node's HTTP API; <c>http-bind-address</c> in section <c>[meta]</c> of its configuration.</summary>
public sealed record MetaNodeAddress(string Host, int Port)
{
    /// <summary>The API's port unless the node was configured otherwise.</summary>
    public const int DefaultPort = 8091;

    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[ipv6]</c> or <c>[ipv6]:port</c>.</summary>
    /// <exception cref="InfluxBackupException">The text is no address.</exception>
    public static MetaNodeAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // What stands before an @ may be a password: such a text is not repeated.
        var shown = text.Contains('@', StringComparison.Ordinal) ? "What was given" : $"'{text}'";
        if (text.Contains("://", StringComparison.Ordinal))
        {
            throw Invalid(shown, "leave out the scheme; whether the nodes speak HTTPS is an option of its own");
        }

        var (host, port) = HostAndPort.Parse(text, DefaultPort, why => Invalid(shown, why));
        return new MetaNodeAddress(host, port);
    }

    /// <inheritdoc/>
    public override string ToString() => HostAndPort.Format(Host, Port);

    private static InfluxBackupException Invalid(string shown, string why) =>
        new("MetaNodeAddressInvalid", ErrorKind.InvalidArgument, $"{shown} is not the address of a meta node: {why}.")
        {
            Subject = shown.Trim('\''),
            Remedy = "Give host or host:port, for instance meta01:8091.",
        };
}
