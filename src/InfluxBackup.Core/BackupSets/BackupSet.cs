namespace InfluxBackup.BackupSets;

/// <summary>A directory with portable backups: any number of runs beside each other, of any tool.</summary>
public sealed class BackupSet
{
    private BackupSet(string directory) => Directory = directory;

    /// <summary>Full path.</summary>
    public string Directory { get; }

    /// <summary>Opens an existing set.</summary>
    /// <exception cref="InfluxBackupException">There is no such directory.</exception>
    public static BackupSet Open(string path)
    {
        if (System.IO.Directory.Exists(path))
        {
            return new BackupSet(Path.GetFullPath(path));
        }

        throw new InfluxBackupException(
            "BackupSetNotFound", ErrorKind.NotFound, File.Exists(path) ? $"'{path}' is a file, not a directory with backups." : $"There is no directory '{path}'.")
        {
            Subject = path,
            Remedy = "Give the directory that holds the .manifest files.",
        };
    }

    /// <summary>Opens a set by its directory, or by one of its manifests, which then names the backup that is meant.</summary>
    /// <param name="path">The directory, or a file whose name ends in <c>.manifest</c>.</param>
    /// <returns>The set, and the backup's timestamp where a manifest was named.</returns>
    /// <exception cref="InfluxBackupException">There is neither.</exception>
    public static (BackupSet Set, string? Timestamp) OpenAt(string path) =>
        path.EndsWith(ManifestFile.Suffix, StringComparison.Ordinal) && File.Exists(path)
            ? (Open(Path.GetDirectoryName(Path.GetFullPath(path))!), Path.GetFileName(path)[..^ManifestFile.Suffix.Length])
            : (Open(path), null);

    /// <summary>Opens a set, and creates its directory where there is none.</summary>
    public static BackupSet OpenOrCreate(string path)
    {
        try
        {
            if (!System.IO.Directory.Exists(path))
            {
                LocalFile.CreateDirectory(path);
                LocalFile.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? path);
            }

            return new BackupSet(Path.GetFullPath(path));
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(path, e);
        }
    }

    /// <summary>Paths of the manifests, newest first. A directory of that name is none.</summary>
    public IReadOnlyList<string> ManifestPaths()
    {
        try
        {
            return System.IO.Directory.EnumerateFiles(Directory, "*" + ManifestFile.Suffix)
                .Where(p => p.EndsWith(ManifestFile.Suffix, StringComparison.Ordinal))
                .OrderByDescending(p => Path.GetFileName(p), StringComparer.Ordinal)
                .ToList();
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(Directory, e);
        }
    }

    /// <summary>One backup of the set, the newest unless named.</summary>
    /// <exception cref="InfluxBackupException">There is none, or not that one; or its manifest is damaged.</exception>
    public PortableBackup Find(string? timestamp)
    {
        var paths = ManifestPaths();
        if (paths.Count == 0)
        {
            throw new InfluxBackupException("NoBackup", ErrorKind.NotFound, $"There is no backup in '{Directory}': it holds no .manifest file.")
            {
                Subject = Directory,
                Remedy = "Give the directory of a portable backup; a run that failed leaves no manifest.",
            };
        }

        if (timestamp is null)
        {
            return PortableBackup.Open(paths[0]);
        }

        var path = paths.FirstOrDefault(p => string.Equals(Path.GetFileNameWithoutExtension(p), timestamp, StringComparison.OrdinalIgnoreCase))
            ?? throw new InfluxBackupException("BackupNotFound", ErrorKind.NotFound, $"There is no backup '{timestamp}' in '{Directory}'.")
            {
                Subject = timestamp,
                Remedy = $"There are these: {string.Join(", ", paths.Select(Path.GetFileNameWithoutExtension))}.",
            };
        return PortableBackup.Open(path);
    }
}
