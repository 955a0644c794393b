using System.Runtime.InteropServices;

namespace InfluxBackup.Bench;

/// <summary>
/// A directory for one run. Before it begins everything that earlier runs left to be written is on the disk, so that none
/// pays for another.
/// </summary>
internal sealed class WorkDirectory : IDisposable
{
    private readonly string _root;

    public WorkDirectory(string parent)
    {
        Directory.CreateDirectory(parent);
        _root = System.IO.Path.Combine(parent, "run-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(_root);
        Sync();
    }

    /// <summary>Does not exist yet: the tools make it.</summary>
    public string Path => System.IO.Path.Combine(_root, "set");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Returns when all that was written is on the disk.</summary>
    [DllImport("libc", EntryPoint = "sync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern void Sync();
}
