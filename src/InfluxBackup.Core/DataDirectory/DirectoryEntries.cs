namespace InfluxBackup.DataDirectory;

/// <summary>Reads directories so that one that can't be read is an error and never looks empty.</summary>
internal static class DirectoryEntries
{
    private static readonly EnumerationOptions Everything = new() { IgnoreInaccessible = false, AttributesToSkip = 0 };

    /// <summary>Files and directories directly below a path, in the order of their names.</summary>
    /// <exception cref="InfluxBackupException">It can't be read.</exception>
    public static IReadOnlyList<FileSystemInfo> Read(string path)
    {
        try
        {
            return new DirectoryInfo(path).EnumerateFileSystemInfos("*", Everything).OrderBy(e => e.Name, StringComparer.Ordinal).ToList();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InfluxBackupException("PathNotReadable", ErrorKind.Read, $"The directory '{path}' could not be read: {e.Message}", e)
            {
                Subject = path,
                Remedy = "Run as the user whom the server runs as, commonly 'influxdb', or as root.",
            };
        }
    }

    /// <summary>The length of a file that was listed; the system is asked only now.</summary>
    /// <exception cref="InfluxBackupException">It is not there any more.</exception>
    public static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InfluxBackupException("PathNotReadable", ErrorKind.Read, $"'{file.FullName}' could not be read: {e.Message}", e)
            {
                Subject = file.FullName,
                Remedy = "A server that runs removes files: stop it, or read from the server itself.",
            };
        }
    }
}
