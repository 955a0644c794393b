namespace InfluxBackup.Operations.Checks;

/// <summary>One question about a backup, answered by its manifest, its metadata and the names in its set alone.</summary>
internal abstract class BackupCheck
{
    protected BackupCheck() => Id = GetType().Name[..^"Check".Length];

    /// <summary>The id of its findings: the class name without "Check".</summary>
    public string Id { get; }

    public abstract void Run(BackupUnderTest backup);
}
