namespace InfluxBackup.Operations;

/// <summary>How to reach what holds the data: one server (<see cref="ServerAccess"/>), or a cluster (<see cref="ClusterAccess"/>).</summary>
public abstract record InfluxAccess
{
    /// <summary>For messages: <c>data node a:8088</c>, <c>meta nodes a:8091, b:8091</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The one server, for what works with single servers only.</summary>
    /// <param name="what">What does not work with a cluster, as the beginning of a sentence.</param>
    /// <exception cref="InfluxBackupException">It is a cluster.</exception>
    internal ServerAccess RequireServer(string what) => this as ServerAccess
        ?? throw new InfluxBackupException("ClusterNotSupported", ErrorKind.Unsupported, $"{what} works with a single server, not with the cluster of {Name}.")
        {
            Subject = Name,
            Remedy = "Name one data node.",
        };
}
