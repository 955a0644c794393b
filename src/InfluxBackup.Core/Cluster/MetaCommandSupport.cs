using System.Text.RegularExpressions;

namespace InfluxBackup.Cluster;

/// <summary>
/// Which meta nodes may be sent commands. A command that a node does not know, or numbers differently, ends it and all others, and
/// each start ends the same way, because the command is in their log. So commands go only to the open-source cluster on which they
/// were seen to work. What InfluxDB Enterprise would do with them is not known.
/// </summary>
internal static partial class MetaCommandSupport
{
    /// <summary>
    /// Whether this is the version of an open-source cluster: <c>1.8.11-c1.2.0</c>, that of the server it stems from and its own.
    /// Enterprise names the same version twice, <c>1.11.3-c1.11.3</c>.
    /// </summary>
    public static bool IsKnown(string? version) =>
        version is not null && Version().Match(version) is { Success: true } match && match.Groups["server"].Value != match.Groups["cluster"].Value;

    /// <param name="host">The node, or the nodes, that would be sent a command.</param>
    public static InfluxBackupException Unknown(string host, string? version) =>
        new("MetaCommandsUnknown", ErrorKind.Unsupported, $"{host} has version '{version ?? "unknown"}': commands that change its metadata are not known, and a wrong one could destroy the cluster.")
        {
            Subject = host,
            Remedy = "Create the databases there by statements, and bring the points in with Export-InfluxLineProtocol and Import-InfluxLineProtocol (-Consistency All).",
        };

    [GeneratedRegex(@"^v?(?<server>\d+\.\d+\.\d+)-c(?<cluster>\d+\.\d+\.\d+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Version();
}
