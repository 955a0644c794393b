using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// A directory for temporary files that only its owner can enter, gone with this object. Points of a database must not lie about:
/// what a process left that was killed is removed by one an hour later. A lock on a file inside tells that the owner is alive.
/// </summary>
public sealed class ScratchDirectory : IDisposable
{
    private const string Prefix = "influxbackup-";
    private const string LockName = ".in-use";

    /// <summary>A younger one may just be coming into being: between its making and its lock there is a moment.</summary>
    private static readonly TimeSpan SureAge = TimeSpan.FromHours(1);

    private readonly FileStream inUse;
    private readonly ILogger logger;

    private ScratchDirectory(string path, FileStream inUse, ILogger logger)
    {
        Path = path;
        this.inUse = inUse;
        this.logger = logger;
    }

    public string Path { get; }

    /// <summary>Makes one, and removes those of processes that are no more.</summary>
    /// <param name="logger">Told what could not be removed.</param>
    /// <param name="parent">Where; the system's place for temporary files unless given.</param>
    /// <exception cref="IOException">There is no such place, or it is full.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be written to.</exception>
    public static ScratchDirectory Create(ILogger logger, string? parent = null)
    {
        parent ??= System.IO.Path.GetTempPath();
        RemoveAbandoned(parent, logger);
        var path = System.IO.Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}");
        LocalFile.CreateDirectory(path);
        return new ScratchDirectory(path, LocalFile.Create(System.IO.Path.Combine(path, LockName)), logger);
    }

    /// <summary>Removes it with everything in it. Where that fails it is only said: what was done with the files is done.</summary>
    public void Dispose()
    {
        inUse.Dispose();
        Remove(Path, logger);
    }

    private static void RemoveAbandoned(string parent, ILogger logger)
    {
        foreach (var path in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            if (IsAbandoned(path))
            {
                Remove(path, logger);
            }
        }
    }

    private static bool IsAbandoned(string path)
    {
        try
        {
            if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(path) < SureAge)
            {
                return false;
            }

            var owner = System.IO.Path.Combine(path, LockName);
            if (File.Exists(owner))
            {
                using var inUse = LocalFile.OpenExisting(owner);
            }

            return true;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            // In use, somebody else's, or gone meanwhile.
            return false;
        }
    }

    private static void Remove(string path, ILogger logger)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Its owner removed it after it was found here; to the file system what is gone is very old.
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            logger.LogWarning("The temporary directory '{Directory}' could not be removed: {Message}", path, e.Message);
        }
    }
}
