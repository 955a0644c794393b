namespace InfluxBackup.BackupSets;

/// <summary>Which of the chosen shards a backup takes.</summary>
public enum BackupStrategy
{
    /// <summary>All of them: the backup is restorable by itself.</summary>
    Full,

    /// <summary>
    /// Those that changed since the set last got them, whole, and all where the set has none. The set restores as one; a backup of it
    /// together with the earlier ones is the state at its time.
    /// </summary>
    Incremental,

    /// <summary>None: databases, policies, users and continuous queries without points.</summary>
    MetadataOnly,
}
