using System.Diagnostics;
using System.Globalization;

namespace InfluxBackup.DataDirectory;

/// <summary>
/// Looks for a process that uses directories which should be those of a stopped server. A server keeps its TSM files and the end of
/// its log open, and takes no lock that could be asked for; on Linux, <c>/proc</c> tells which files a process has open.
/// </summary>
/// <remarks>
/// A process of another user can only be seen by root, and one in a container may name its files differently. That nothing is found
/// is therefore no promise. The search ends after <see cref="Patience"/>.
/// </remarks>
public static class RunningServer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const string ServerName = "influxd";
    private const string Processes = "/proc";

    /// <summary>Bits of the flags in <c>/proc/PID/fdinfo</c> that tell reading from writing, see open(2).</summary>
    private const int AccessModes = 3;

    /// <summary>
    /// A sentence about a process that has files below the directories open, a server or one that writes them; null where none
    /// is found.
    /// </summary>
    public static string? Find(IEnumerable<string?> directories, CancellationToken cancel)
    {
        var roots = directories.OfType<string>().Select(d => ResolveLinks(d) + Path.DirectorySeparatorChar).ToList();
        if (!OperatingSystem.IsLinux() || roots.Count == 0)
        {
            return null;
        }
        var clock = Stopwatch.StartNew();
        foreach (var process in Entries(Processes))
        {
            cancel.ThrowIfCancellationRequested();
            if (clock.Elapsed > Patience)
            {
                break;
            }
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id != Environment.ProcessId
                && FindOpenFile(process, roots) is { } file)
            {
                return $"The server seems to be running: process {id} ({NameOf(process)}) has '{file}' open. What it writes meanwhile may be missing or half there.";
            }
        }
        return null;
    }

    private static string? FindOpenFile(string process, List<string> roots)
    {
        var isServer = NameOf(process).StartsWith(ServerName, StringComparison.Ordinal);
        foreach (var descriptor in Entries(Path.Combine(process, "fd")))
        {
            if (LinkTarget(descriptor) is { } file && roots.Exists(r => file.StartsWith(r, StringComparison.Ordinal))
                && (isServer || IsWritten(process, Path.GetFileName(descriptor))))
            {
                return file;
            }
        }
        return null;
    }

    /// <summary>Others may read the files too: a copy, a search, this program.</summary>
    private static bool IsWritten(string process, string descriptor)
    {
        const string Flags = "flags:";
        foreach (var line in ReadText(Path.Combine(process, "fdinfo", descriptor)).Split('\n'))
        {
            if (line.StartsWith(Flags, StringComparison.Ordinal))
            {
                // Octal; the last digit holds the mode.
                return ((line[^1] - '0') & AccessModes) != 0;
            }
        }
        return false;
    }

    private static string NameOf(string process) => ReadText(Path.Combine(process, "comm")).TrimEnd('\n');

    /// <summary>Processes come and go, and most belong to others: what can't be read tells nothing.</summary>
    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string[] Entries(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The path as the system names it in <c>/proc</c>: without links, at any level.</summary>
    private static string ResolveLinks(string path)
    {
        var resolved = Path.GetPathRoot(path)!;
        foreach (var part in path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            resolved = Path.Combine(resolved, part);
            try
            {
                resolved = new DirectoryInfo(resolved).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? resolved;
            }
            catch (IOException)
            {
                return path;
            }
        }
        return resolved;
    }
}
