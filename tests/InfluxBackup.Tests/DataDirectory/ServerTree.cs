namespace InfluxBackup.Tests.DataDirectory;

/// <summary>Directories like a server's, made of empty or small files.</summary>
internal sealed class ServerTree : IDisposable
{
    private readonly TemporaryDirectory root = new();

    public string Root => root.Path;

    public string Data => Path.Combine(root.Path, "data");

    public string Wal => Path.Combine(root.Path, "wal");

    public string Meta => Path.Combine(root.Path, "meta");

    /// <summary>Writes a file of some bytes; the directories above come with it.</summary>
    public string Add(string path, int length = 10)
    {
        var full = Path.Combine(root.Path, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, new byte[length]);
        return full;
    }

    public void Dispose() => root.Dispose();
}
