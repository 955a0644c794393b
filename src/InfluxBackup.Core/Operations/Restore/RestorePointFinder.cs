using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations;

/// <summary>Finds what a path and a timestamp mean: one backup by itself, or a combination of the backups of a set.</summary>
internal static class RestorePointFinder
{
    /// <summary>Finds it.</summary>
    /// <param name="path">Directory of the set, or a manifest in it.</param>
    /// <param name="timestamp">The backup; the newest unless given.</param>
    /// <param name="combine">The user wants a combination.</param>
    /// <param name="warnings">Takes what the user should know.</param>
    /// <exception cref="InfluxBackupException">There is no such backup, or it can't be restored by itself.</exception>
    public static RestorePoint Find(string path, string? timestamp, bool combine, ICollection<string> warnings)
    {
        var (set, named) = BackupSet.OpenAt(path);
        if (named is not null && timestamp is not null && named != timestamp)
        {
            throw new InfluxBackupException("TimestampInvalid", ErrorKind.InvalidArgument, $"'{path}' is backup {named}, and -Timestamp (--timestamp) says {timestamp}.")
            {
                Subject = path,
                Remedy = "Give one of the two.",
            };
        }

        var backup = set.Find(named ?? timestamp);
        if (combine || backup.IsOneOfAChain)
        {
            return RestorePoint.Combine(set, backup.Timestamp);
        }

        if (backup.Manifest.Run?.Since is not { } since)
        {
            return RestorePoint.Of(backup);
        }

        if ((named ?? timestamp) is null)
        {
            throw new InfluxBackupException(
                "BackupIsIncremental", ErrorKind.InvalidArgument, $"The newest backup in '{set.Directory}', {backup.Timestamp}, holds only the shards that changed since {since:yyyy-MM-dd'T'HH:mm:ss'Z'}.")
            {
                Subject = backup.Timestamp,
                Remedy = "Restore the combination of the set with -Combine (--combine), or this backup alone by naming its -Timestamp (--timestamp).",
            };
        }

        warnings.Add($"Backup {backup.Timestamp} holds only the shards that changed since {since:yyyy-MM-dd'T'HH:mm:ss'Z'}; the others are not restored. -Combine (--combine) restores them from earlier backups of the set.");
        return RestorePoint.Of(backup);
    }
}
