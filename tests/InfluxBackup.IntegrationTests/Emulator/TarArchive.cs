using System.Formats.Tar;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Emulator;

/// <summary>Shard archives as tests look at them and make them.</summary>
internal static class TarArchive
{
    /// <summary>Names and contents of a complete archive, in its order.</summary>
    public static List<(string Name, byte[] Content)> Read(byte[] tar)
    {
        var files = new Collector();
        var scanner = new TarScanner(files, "test");
        scanner.Append(tar);
        scanner.Finish();
        return files.Files;
    }

    public static List<string> Names(byte[] tar) => [.. Read(tar).Select(f => f.Name[(f.Name.LastIndexOf('/') + 1)..])];

    /// <summary>An archive with two zero blocks at its end.</summary>
    public static byte[] Create(params (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        }

        return stream.ToArray();
    }

    public static bool IsComplete(byte[] tar)
    {
        try
        {
            _ = Read(tar);
            return true;
        }
        catch (InfluxBackupException)
        {
            return false;
        }
    }

    private sealed class Collector : ITarVisitor
    {
        private readonly List<byte> current = [];
        private string name = "";

        public List<(string Name, byte[] Content)> Files { get; } = [];

        public void Begin(string name, long size, DateTime modified)
        {
            this.name = name;
            current.Clear();
        }

        public void Data(ReadOnlySpan<byte> data) => current.AddRange(data);

        public void End() => Files.Add((name, current.ToArray()));
    }
}
