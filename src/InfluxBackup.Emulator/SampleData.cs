using System.Formats.Tar;
using System.IO.Compression;

namespace InfluxBackup.Emulator;

/// <summary>
/// A small node with real TSM files for demonstrations and tests: database <c>demo</c> with the policies <c>daily</c> and
/// <c>long term</c>, and <c>Wetter Köln</c>, whose names need escaping everywhere. What is in it and how it was made with a real
/// server: <c>Sample/README.md</c>.
/// </summary>
public static class SampleData
{
    /// <summary>The database with the most in it.</summary>
    public const string Database = "demo";

    /// <summary>The database whose name has a space and a letter beyond ASCII.</summary>
    public const string OddlyNamedDatabase = "Wetter Köln";

    /// <summary>Ids of all shards.</summary>
    public static IReadOnlyList<ulong> ShardIds { get; } = [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>A shard with tombstones beside its TSM files.</summary>
    public const ulong ShardWithTombstones = 1;

    /// <summary>Unpacks the node into a directory as <c>data/</c> and <c>meta/</c>; the directory is created where it is missing.</summary>
    public static void Create(string directory)
    {
        Directory.CreateDirectory(directory);
        using var resource = typeof(SampleData).Assembly.GetManifestResourceStream("sample.tar.gz")
            ?? throw new InvalidOperationException("The sample is not in the assembly.");
        using var tar = new GZipStream(resource, CompressionMode.Decompress);
        TarFile.ExtractToDirectory(tar, directory, overwriteFiles: true);
    }
}
