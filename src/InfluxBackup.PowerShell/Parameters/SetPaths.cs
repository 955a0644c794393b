using System.Management.Automation;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>From what a user types to directories of the file system.</summary>
internal static class SetPaths
{
    private const string FileSystem = "FileSystem";

    /// <summary>One directory, whether it is there or not; brackets and stars mean themselves.</summary>
    public static string LiteralDirectory(this PSCmdlet cmdlet, string path) => LiteralDirectory(cmdlet.SessionState.Path, path);

    /// <summary>One directory, for code that runs outside of a cmdlet.</summary>
    public static string LiteralDirectory(PathIntrinsics paths, string path)
    {
        var resolved = paths.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
        return provider.Name == FileSystem ? resolved : throw NotFileSystem(path, provider);
    }

    /// <summary>
    /// The directories that a path with wildcards means. A directory that has just this name comes before the pattern, so that
    /// objects whose path has brackets in it can be piped.
    /// </summary>
    public static IReadOnlyList<string> Directories(this PSCmdlet cmdlet, string path)
    {
        var literal = cmdlet.LiteralDirectory(path);
        if (!WildcardPattern.ContainsWildcardCharacters(path) || Directory.Exists(literal))
        {
            return [literal];
        }

        var found = cmdlet.GetResolvedProviderPathFromPSPath(path, out var provider).Where(Directory.Exists).ToList();
        return provider.Name != FileSystem
            ? throw NotFileSystem(path, provider)
            : found.Count > 0
            ? found
            : throw new InfluxBackupException("PathNotFound", ErrorKind.NotFound, $"No directory matches '{path}'.") { Subject = path };
    }

    /// <summary>One file, whether it is there or not; brackets and stars mean themselves.</summary>
    public static string LiteralFile(this PSCmdlet cmdlet, string path) => LiteralDirectory(cmdlet.SessionState.Path, path);

    private static InfluxBackupException NotFileSystem(string path, ProviderInfo provider) =>
        new("PathNotFileSystem", ErrorKind.InvalidArgument, $"'{path}' is a path of the provider {provider.Name}, not of the file system.")
        {
            Subject = path,
            Remedy = "Give a path of the file system.",
        };
}
