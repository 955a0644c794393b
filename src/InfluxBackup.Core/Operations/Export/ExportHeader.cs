using System.Globalization;
using System.Text;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>
/// The lines of an export that are no points, in the form that <c>influx -import</c> reads:
/// <code>
/// # INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z
/// # DDL
/// CREATE DATABASE "db" WITH DURATION 168h REPLICATION 1 SHARD DURATION 24h NAME "rp"
/// CREATE RETENTION POLICY "other" ON "db" DURATION 0s REPLICATION 1
/// # DML
/// # CONTEXT-DATABASE:db
/// # CONTEXT-RETENTION-POLICY:rp
/// </code>
/// Statements are a line each. Names in the context lines stand as they are.
/// </summary>
internal static class ExportHeader
{
    private const string DefaultPolicy = "autogen";

    /// <summary>What stands at the top of a file.</summary>
    /// <param name="times">The times that were asked for.</param>
    /// <param name="policies">Database and policy of all points of the file.</param>
    /// <param name="metadata">Where known: what the policies are like.</param>
    public static string Create(TimeRange times, IEnumerable<(string Database, string RetentionPolicy)> policies, ServerMetadata? metadata)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# INFLUXDB EXPORT: {Seconds(times.Min)} - {Seconds(times.Max)}\n# DDL\n");
        foreach (var database in policies.Distinct().GroupBy(p => p.Database))
        {
            AppendDatabase(text, database.Key, database.Select(p => p.RetentionPolicy).ToList(), metadata?.FindDatabase(database.Key));
        }

        return text.Append("# DML\n").ToString();
    }

    /// <summary>What stands before the points of a policy.</summary>
    public static string Context(ShardKey shard) => $"# CONTEXT-DATABASE:{shard.Database}\n# CONTEXT-RETENTION-POLICY:{shard.RetentionPolicy}\n";

    private static void AppendDatabase(StringBuilder text, string name, List<string> policies, DatabaseInfo? database)
    {
        // The default policy comes with the database. Where it is not known, a database with one policy has that one.
        var standard = database?.DefaultRetentionPolicy is { Length: > 0 } known ? known
            : policies.Count == 1 ? policies[0]
            : policies.Contains(DefaultPolicy) ? DefaultPolicy : policies[0];
        var standardInfo = database?.RetentionPolicies.FirstOrDefault(p => p.Name == standard);
        text.Append(CultureInfo.InvariantCulture, $"CREATE DATABASE {Quote(name)} WITH {Describe(standardInfo)}NAME {Quote(standard)}\n");
        foreach (var policy in policies.Where(p => p != standard))
        {
            var info = database?.RetentionPolicies.FirstOrDefault(p => p.Name == policy);
            var described = info is null ? "DURATION 0s REPLICATION 1" : Describe(info).TrimEnd();
            text.Append(CultureInfo.InvariantCulture, $"CREATE RETENTION POLICY {Quote(policy)} ON {Quote(name)} {described}\n");
        }
    }

    /// <summary>A shard duration of 0 means the server's choice, and is not written.</summary>
    private static string Describe(RetentionPolicyInfo? policy)
    {
        if (policy is null)
        {
            return "";
        }

        var shards = policy.ShardGroupDuration > 0 ? $"SHARD DURATION {Duration(policy.ShardGroupDuration)} " : "";
        return $"DURATION {Duration(policy.Duration)} REPLICATION {Math.Max(1, policy.ReplicaN)} {shards}";
    }

    private static string Duration(long nanoseconds)
    {
        const long Second = 1_000_000_000;
        return nanoseconds switch
        {
            _ when nanoseconds % (3600 * Second) == 0 && nanoseconds > 0 => $"{nanoseconds / (3600 * Second)}h",
            _ when nanoseconds % (60 * Second) == 0 && nanoseconds > 0 => $"{nanoseconds / (60 * Second)}m",
            _ => $"{nanoseconds / Second}s",
        };
    }

    private static string Quote(string name) => InfluxQl.Identifier(name);

    private static string Seconds(long time) => ShardTime.ToDateTime(time).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
