namespace InfluxBackup.BackupSets;

/// <summary>
/// Lets one run at a time write into a set. The lock is the operating system's and ends with the process, however that ends;
/// the empty file stays, because removing it would let two runs lock two different files of the same name.
/// </summary>
public sealed class BackupSetLock : IDisposable
{
    public const string FileName = ".influxbackup.lock";

    private readonly FileStream file;

    private BackupSetLock(FileStream file) => this.file = file;

    /// <summary>Takes the lock.</summary>
    /// <exception cref="InfluxBackupException">Another run has it, or the directory can't be written.</exception>
    public static BackupSetLock Take(BackupSet set)
    {
        var path = Path.Combine(set.Directory, FileName);
        try
        {
            return new BackupSetLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (LocalFile.IsLockHeld(e))
        {
            throw new InfluxBackupException("BackupSetInUse", ErrorKind.Busy, $"Another run is writing into '{set.Directory}'.", e)
            {
                Subject = set.Directory,
                Remedy = "Wait until it has ended, or give this run a directory of its own.",
            };
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(set.Directory, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
