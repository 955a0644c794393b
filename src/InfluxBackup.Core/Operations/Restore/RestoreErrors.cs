using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>Errors that both kinds of target have.</summary>
internal static class RestoreErrors
{
    public static InfluxBackupException DatabaseExists(string name, string target) =>
        new("DatabaseExists", ErrorKind.Exists, $"Database '{name}' exists on {target} already; a restore never changes an existing database.")
        {
            Subject = name,
            Remedy = "Give it another name with -NewDatabase (--new-database), or drop or rename the existing one first. If it is what an earlier run of this restore has left, finish that with -Resume (--resume).",
        };

    public static InfluxBackupException NotOfThisRestore(string database, string target, string why) =>
        new("ResumeMismatch", ErrorKind.Exists, $"Database '{database}' on {target} is not what this restore would have left: {why}.")
        {
            Subject = database,
            Remedy = "Repeat the interrupted restore with all its options and -Resume (--resume), or restore under another name.",
        };

    /// <summary>Says why a database that exists can't be what an earlier run of this restore has left; null when it can.</summary>
    public static string? WhyNotOfThisRestore(DatabaseInfo wanted, DatabaseInfo there)
    {
        foreach (var policy in there.RetentionPolicies)
        {
            var same = wanted.RetentionPolicies.FirstOrDefault(p => p.Name == policy.Name);
            if (same is null)
            {
                return $"its retention policy '{policy.Name}' is not part of the restore";
            }

            if (same.ReplicaN != policy.ReplicaN || same.Duration != policy.Duration)
            {
                return $"its retention policy '{policy.Name}' has another duration or replication factor";
            }
        }

        return null;
    }

    /// <summary>A data node can't be reached, so it would lack shards.</summary>
    public static InfluxBackupException DataNodeDown(string address, InfluxBackupException why) =>
        new("DataNodeDown", ErrorKind.Connection, $"Data node {address} is to get shards and can't be reached: {why.Message}", why)
        {
            Subject = address,
            Remedy = "Start it first. With -AllowPartial (--allow-partial) the others get their copies now, and a later -Resume (--resume) sends this node its own.",
        };

    /// <summary>Another restore of the same database has begun, and this one ended for it.</summary>
    public static InfluxBackupException Overtaken(string target, Exception inner) =>
        new("RestoreOvertaken", ErrorKind.Busy, $"Another restore of the same database to {target} has begun, so this one stopped.", inner)
        {
            Subject = target,
            Remedy = "Let the other one end, then repeat this one with -Resume (--resume) if the data are still incomplete.",
        };
}
