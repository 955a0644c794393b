using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Emulator;

/// <summary>
/// A shard's TSM and tombstone files as they are at one moment, in the order of the tar stream. All are opened at once: like the
/// hard links of a server they outlive a compaction or an upload. When the whole shard is dropped a server's links go
/// with it, which <see cref="IsGone"/> tells.
/// </summary>
internal sealed class ShardSnapshot : IDisposable
{
    private readonly string directory;

    private ShardSnapshot(string directory, IReadOnlyList<SnapshotFile> files)
    {
        this.directory = directory;
        Files = files;
    }

    public IReadOnlyList<SnapshotFile> Files { get; }

    public bool IsGone => !Directory.Exists(directory);

    public static ShardSnapshot Take(string directory, ShardKey shard)
    {
        var files = new DirectoryInfo(directory).EnumerateFiles()
            .Where(f => ShardFileName.IsTsm(f.Name) || ShardFileName.IsTombstone(f.Name))
            .OrderBy(f => f.Name, StringComparer.Ordinal)
            .Select(f => SnapshotFile.Open(f, $"{shard.Path}/{f.Name}"))
            .ToList();
        return new ShardSnapshot(directory, files);
    }

    public void Dispose()
    {
        foreach (var file in Files)
        {
            file.Content.Dispose();
        }
    }
}

/// <summary>One file of a snapshot; the name is that in the tar stream, <c>db/rp/id/file</c>.</summary>
internal sealed record SnapshotFile(string Name, Stream Content, long Size, DateTime ModifiedUtc, int Mode)
{
    public bool IsTsm => ShardFileName.IsTsm(Name);

    public static SnapshotFile Open(FileInfo file, string name)
    {
        var content = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var mode = OperatingSystem.IsWindows() ? UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead : file.UnixFileMode;
        return new SnapshotFile(name, content, content.Length, file.LastWriteTimeUtc, (int)mode);
    }
}
