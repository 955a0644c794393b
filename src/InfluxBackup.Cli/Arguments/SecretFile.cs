namespace InfluxBackup.Cli.Arguments;

/// <summary>A file that holds a password or another secret in its first line.</summary>
internal static class SecretFile
{
    /// <param name="what">What it holds, for the error.</param>
    /// <exception cref="InfluxBackupException">The file can't be read.</exception>
    public static string ReadFirstLine(FileInfo file, string what)
    {
        try
        {
            return File.ReadLines(file.FullName).FirstOrDefault() ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InfluxBackupException("PasswordFileUnreadable", ErrorKind.Read, $"The file with the {what} can't be read: {e.Message}", e) { Subject = file.FullName };
        }
    }
}
