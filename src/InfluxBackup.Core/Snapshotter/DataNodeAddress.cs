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
        if (text.Contains("://", StringComparison.Ordinal))
        {
            throw Invalid(text, "leave out the scheme: the backup service is not HTTP");
        }

        var (host, port) = HostAndPort.Parse(text, DefaultPort, why => Invalid(text, why));
        return new DataNodeAddress(host, port);
    }

    /// <inheritdoc/>
    public override string ToString() => HostAndPort.Format(Host, Port);

    private static InfluxBackupException Invalid(string text, string why) =>
        new("DataNodeAddressInvalid", ErrorKind.InvalidArgument, $"'{text}' is not the address of a data node: {why}.")
        {
            Subject = text,
            Remedy = "Give host or host:port, for instance influx01:8088.",
        };
}
