using System.Formats.Tar;
using System.IO.Compression;
using Google.Protobuf;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.IntegrationTests.Emulator;

/// <summary>An emulated node on a temporary directory that goes away with it.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly TemporaryDirectory directory;

    private TestNode(EmulatedDataNode node, TemporaryDirectory directory)
    {
        Node = node;
        this.directory = directory;
    }

    public EmulatedDataNode Node { get; }

    public string Directory => directory.Path;

    /// <summary>The portable backup of the golden data set as the real 1.6.7 wrote it.</summary>
    public static string GoldenSet => Path.Combine(AppContext.BaseDirectory, "Data", "1.6.7-inmem", "portable");

    public static Task<TestNode> EmptyAsync(Func<EmulatedDataNodeOptions, EmulatedDataNodeOptions>? configure = null) => StartAsync(_ => { }, configure);

    /// <summary>A node with <see cref="SampleData"/>.</summary>
    public static Task<TestNode> SampleAsync(Func<EmulatedDataNodeOptions, EmulatedDataNodeOptions>? configure = null) => StartAsync(SampleData.Create, configure);

    /// <summary>A node with the files and the metadata of the golden set.</summary>
    public static Task<TestNode> GoldenAsync(Func<EmulatedDataNodeOptions, EmulatedDataNodeOptions>? configure = null) => StartAsync(UnpackGolden, configure);

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        directory.Dispose();
    }

    private static async Task<TestNode> StartAsync(Action<string> fill, Func<EmulatedDataNodeOptions, EmulatedDataNodeOptions>? configure)
    {
        var directory = new TemporaryDirectory();
        fill(directory);
        var options = new EmulatedDataNodeOptions { Directory = directory };
        return new TestNode(await EmulatedDataNode.StartAsync(configure?.Invoke(options) ?? options), directory);
    }

    private static void UnpackGolden(string directory)
    {
        var data = Path.Combine(directory, "data");
        foreach (var archive in System.IO.Directory.GetFiles(GoldenSet, "*.tar.gz"))
        {
            using var gzip = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress);
            using var tar = new TarReader(gzip);
            while (tar.GetNextEntry() is { } entry)
            {
                var path = Path.Combine(data, entry.Name);
                System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                entry.ExtractToFile(path, overwrite: true);
            }
        }

        var meta = MetaFileWrapper.Parser.ParseFrom(File.ReadAllBytes(System.IO.Directory.GetFiles(GoldenSet, "*.meta").Single()));
        System.IO.Directory.CreateDirectory(Path.Combine(directory, "meta"));
        File.WriteAllBytes(Path.Combine(directory, "meta", "meta.db"), meta.Data.ToByteArray());
    }
}
