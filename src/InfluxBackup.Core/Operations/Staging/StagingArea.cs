using InfluxBackup.BackupSets;
using Microsoft.Win32.SafeHandles;

namespace InfluxBackup.Operations.Staging;

/// <summary>
/// Where the files of an archive lie while they are looked at: a TSM file has its index at its end, so it must be there whole. As
/// many as fit lie in memory; the others in temporary files, which have no name: whatever becomes of the process, none is left.
/// </summary>
/// <param name="memory">Bytes of all files in memory at one time.</param>
public sealed class StagingArea(long memory = StagingArea.DefaultMemory)
{
    /// <summary>Files of a few shards at once, with room to the 200 MB that a process may take.</summary>
    public const long DefaultMemory = 64 << 20;

    private long free = memory;

    /// <summary>A place for a file of this size.</summary>
    /// <exception cref="InfluxBackupException">There is no temporary file to be had.</exception>
    public StagedFile Begin(string name, long size)
    {
        var isInMemory = size <= int.MaxValue && Interlocked.Add(ref free, -size) >= 0;
        if (isInMemory)
        {
            return new StagedFile(name, new NativeBuffer((int)size), () => Interlocked.Add(ref free, size));
        }

        if (size <= int.MaxValue)
        {
            Interlocked.Add(ref free, size);
        }

        return new StagedFile(name, CreateNameless());
    }

    /// <summary>
    /// A file that goes with its handle. Windows deletes it when the handle is closed, also when the process is killed; elsewhere the
    /// name is removed at once, and the system frees the file when nobody has it open any more.
    /// </summary>
    public static SafeFileHandle CreateNameless()
    {
        var path = Path.Combine(Path.GetTempPath(), $"influxbackup-{Guid.NewGuid():N}.staged");
        try
        {
            if (OperatingSystem.IsWindows())
            {
                return File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
            }

            LocalFile.Create(path).Dispose();
            var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            File.Delete(path);
            return handle;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(path, e);
        }
    }
}
