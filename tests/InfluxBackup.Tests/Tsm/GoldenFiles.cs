using System.Formats.Tar;
using System.IO.Compression;

namespace InfluxBackup.Tests.Tsm;

/// <summary>The files of real servers, and the damaged ones made from them.</summary>
internal static class GoldenFiles
{
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "Data");

    /// <summary>The smallest sound file: one float at one time.</summary>
    public static byte[] Smallest => File.ReadAllBytes(Path.Combine(Root, "hostile", "tsm", "sound-86-bytes.tsm"));

    /// <summary>A file with every type of value and several blocks of one key.</summary>
    public static byte[] Blocks { get; } = Unpack(Single("1.6.7-inmem/portable", "*.s16.tar.gz")).First(f => f.Name.EndsWith("/000000001-000000001.tsm", StringComparison.Ordinal)).Bytes;

    /// <summary>A file with many keys, types and encodings.</summary>
    public static byte[] Types { get; } = Unpack(Single("1.6.7-inmem/portable", "*.s4.tar.gz")).First(f => f.Name.EndsWith("/000000001-000000001.tsm", StringComparison.Ordinal)).Bytes;

    public static string Single(string folder, string pattern) => Directory.GetFiles(Path.Combine(Root, folder), pattern).Single();

    /// <summary>The files of a tar.gz, in its order.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> Unpack(string path)
    {
        using var tar = new TarReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is { } data)
            {
                var copy = new MemoryStream();
                data.CopyTo(copy);
                yield return (entry.Name, copy.ToArray());
            }
        }
    }
}
