using System.Formats.Tar;
using System.IO.Compression;
using InfluxBackup.DataDirectory;

namespace InfluxBackup.Tests.DataDirectory;

/// <summary>The directories of a real server, stopped cleanly, unpacked for one test.</summary>
internal sealed class GoldenServer : IDisposable
{
    private readonly TemporaryDirectory root = new();

    public GoldenServer(string name)
    {
        using var tar = new GZipStream(File.OpenRead(Path.Combine(TestData.Directory, "server", $"{name}.tar.gz")), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(tar, root, overwriteFiles: false);
    }

    public string Root => root.Path;

    public ServerDirectories Open(bool withMetadata) =>
        ServerDirectories.Open(root["data"], root["wal"], withMetadata ? root["meta"] : null);

    public string NewDirectory(string name) => Directory.CreateDirectory(root[name]).FullName;

    public void Dispose() => root.Dispose();
}
