using System.Collections.ObjectModel;
using System.Globalization;
using InfluxBackup.Metadata;

namespace InfluxBackup.DataDirectory;

/// <summary>The files of one shard as they lie in a stopped server's directories. Either directory may be missing.</summary>
public sealed record ShardFiles
{
    public required ShardKey Shard { get; init; }

    /// <summary>The shard's directory below the data directory; null where there is none.</summary>
    public string? DataPath { get; init; }

    /// <summary>The shard's directory below the WAL directory; null where there is none.</summary>
    public string? WalPath { get; init; }

    /// <summary>Full paths of the TSM files in the order of their names: of two points at one time the later file's counts.</summary>
    public IReadOnlyList<string> TsmFiles { get; init; } = [];

    /// <summary>Full paths of the tombstone files, by the path of the TSM file of which they delete.</summary>
    public IReadOnlyDictionary<string, string> Tombstones { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Full paths of the WAL segments in the order in which the server reads them.</summary>
    public IReadOnlyList<string> WalSegments { get; init; } = [];

    /// <summary>Bytes of all these files together.</summary>
    public long Bytes { get; init; }

    /// <summary>What the metadata say about the shard, its times above all; null where there are no metadata.</summary>
    public ShardDescription? Description { get; init; }

    /// <summary>A generation above those in the names of the TSM files: a file of it is newer than all of them.</summary>
    public int NextGeneration => 1 + TsmFiles.Select(GenerationOf).Append(0).Max();

    /// <summary>Whether there is nothing to read: neither TSM files nor bytes in the WAL.</summary>
    public bool IsEmpty => Bytes == 0;

    private static int GenerationOf(string path) =>
        int.TryParse(Path.GetFileName(path).Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var generation) ? generation : 0;
}

/// <summary>The shards that were found, and what the user should know about the rest.</summary>
/// <param name="Shards">In the order database, policy, id.</param>
/// <param name="Warnings">Things that are not read, or that look wrong.</param>
public sealed record ShardListing(IReadOnlyList<ShardFiles> Shards, IReadOnlyList<string> Warnings);
