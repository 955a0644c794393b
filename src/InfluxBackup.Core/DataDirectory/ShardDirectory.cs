using InfluxBackup.Metadata;

namespace InfluxBackup.DataDirectory;

/// <summary>
/// Lists the directories of one shard.
/// <code>
/// data/db/rp/id/  NNNNNNNNN-NNNNNNNNN.tsm          points
///                 NNNNNNNNN-NNNNNNNNN.tombstone    what of the TSM file of the same name is deleted
///                 fields.idx, fields.idxl, index/  made from the points; not needed to read them
///                 *.tmp                            unfinished compactions, deletes and snapshots
///                 *.bad                            a file that the server could not open and set aside
/// wal/db/rp/id/   _NNNNN.wal                       points and deletes since the last snapshot of the cache
/// </code>
/// </summary>
internal sealed class ShardDirectory(ShardKey shard)
{
    private const string Tsm = ".tsm";
    private const string Tombstone = ".tombstone";
    private const string Wal = ".wal";

    /// <summary>How many names a warning lists.</summary>
    private const int MostNames = 3;

    private readonly List<string> tsmFiles = [];
    private readonly List<FileInfo> tombstones = [];
    private readonly List<string> segments = [];
    private readonly List<string> setAside = [];
    private readonly List<string> unknown = [];
    private string? dataPath;
    private string? walPath;
    private long bytes;

    /// <summary>Lists the shard's directory below the data directory.</summary>
    public void ReadData(string path)
    {
        dataPath = path;
        foreach (var entry in DirectoryEntries.Read(path))
        {
            var name = entry.Name;
            switch (entry)
            {
                case FileInfo file when name.EndsWith(Tsm, StringComparison.Ordinal):
                    tsmFiles.Add(file.FullName);
                    bytes += DirectoryEntries.LengthOf(file);
                    break;
                case FileInfo file when name.EndsWith(Tombstone, StringComparison.Ordinal):
                    tombstones.Add(file);
                    bytes += DirectoryEntries.LengthOf(file);
                    break;
                case FileInfo when name.EndsWith(Wal, StringComparison.Ordinal):
                    throw Swapped(path, name, "data", "WAL");
                case FileInfo when name.EndsWith(".bad", StringComparison.Ordinal):
                    setAside.Add(name);
                    break;
                case var _ when name.EndsWith(".tmp", StringComparison.Ordinal) || name is "fields.idx" or "fields.idxl" or "index":
                    break;
                default:
                    unknown.Add(name);
                    break;
            }
        }
    }

    /// <summary>Lists the shard's directory below the WAL directory.</summary>
    public void ReadWal(string path)
    {
        walPath = path;
        foreach (var entry in DirectoryEntries.Read(path))
        {
            switch (entry)
            {
                case FileInfo file when file.Name.StartsWith('_') && file.Name.EndsWith(Wal, StringComparison.Ordinal):
                    segments.Add(file.FullName);
                    bytes += DirectoryEntries.LengthOf(file);
                    break;
                case FileInfo file when file.Name.EndsWith(Tsm, StringComparison.Ordinal):
                    throw Swapped(path, file.Name, "WAL", "data");
                default:
                    unknown.Add(entry.Name);
                    break;
            }
        }
    }

    /// <summary>What was found, and warnings about what is left out.</summary>
    public ShardFiles Finish(ShardDescription? description, ICollection<string> warnings)
    {
        var owners = tsmFiles.ToDictionary(f => Path.ChangeExtension(f, Tombstone), StringComparer.Ordinal);
        var alone = tombstones.Where(t => !owners.ContainsKey(t.FullName)).ToList();
        bytes -= alone.Sum(t => t.Length);
        Warn(setAside, "that the server set aside as unreadable; their points are missing", warnings);
        Warn(alone.Select(t => t.Name).ToList(), "that delete from TSM files which are not there", warnings);
        Warn(unknown, "that are no files of a shard", warnings);
        tsmFiles.Sort(StringComparer.Ordinal);
        segments.Sort(StringComparer.Ordinal);
        return new ShardFiles
        {
            Shard = shard,
            DataPath = dataPath,
            WalPath = walPath,
            TsmFiles = tsmFiles,
            Tombstones = tombstones.Except(alone).ToDictionary(t => owners[t.FullName], t => t.FullName, StringComparer.Ordinal),
            WalSegments = segments,
            Bytes = bytes,
            Description = description,
        };
    }

    private void Warn(List<string> names, string what, ICollection<string> warnings)
    {
        if (names.Count > 0)
        {
            names.Sort(StringComparer.Ordinal);
            var list = string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? ", …" : "");
            warnings.Add($"{names.Count} {(names.Count == 1 ? "entry" : "entries")} in the directory of {shard} {what}: {list}.");
        }
    }

    private static InfluxBackupException Swapped(string path, string name, string given, string real) =>
        new("DirectoryMistaken", ErrorKind.InvalidArgument, $"'{path}' was given as a part of the {given} directory, but it holds '{name}', which belongs into a {real} directory.")
        {
            Subject = path,
            Remedy = "Look whether the data directory and the WAL directory are given the other way round.",
        };
}
