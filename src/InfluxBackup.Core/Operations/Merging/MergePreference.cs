namespace InfluxBackup.Operations;

/// <summary>Whose value stays where server and backup have a point of the same series, field and time.</summary>
public enum MergePreference
{
    /// <summary>The server's: the backup fills gaps only.</summary>
    Existing,

    /// <summary>The backup's. Points that are written while the merge runs win over it all the same.</summary>
    Backup,
}
