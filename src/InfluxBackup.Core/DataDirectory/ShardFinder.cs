using System.Globalization;
using InfluxBackup.Metadata;

namespace InfluxBackup.DataDirectory;

/// <summary>
/// Finds the directories of shards, <c>database/policy/id</c>, below one root. Links are followed, as a database may have been moved
/// to another disk; three levels and no more.
/// </summary>
internal sealed class ShardFinder(string? root, string what, ICollection<string> warnings)
{
    /// <summary>The index of all series of a database lies beside its policies.</summary>
    private const string SeriesFile = "_series";

    /// <summary>Shards of servers before 0.11 are single files.</summary>
    private int oldShards;

    /// <summary>Each shard and its full path.</summary>
    public List<(ShardKey Key, string Path)> Find(CancellationToken cancel)
    {
        var found = new List<(ShardKey Key, string Path)>();
        if (root is null)
        {
            return found;
        }

        foreach (var database in Directories(root))
        {
            cancel.ThrowIfCancellationRequested();
            foreach (var policy in Directories(database).Where(d => d.Name != SeriesFile))
            {
                FindShards(database.Name, policy, found);
            }
        }

        if (found.Count == 0 || File.Exists(Path.Combine(root, "meta", "meta.db")))
        {
            ThrowIfMistaken(root);
        }

        if (oldShards > 0)
        {
            warnings.Add($"{oldShards} files in the {what} are shards of a server before 0.11 (formats b1 and bz1), which are not read.");
        }

        return found;
    }

    private void FindShards(string database, DirectoryInfo policy, List<(ShardKey Key, string Path)> found)
    {
        foreach (var entry in DirectoryEntries.Read(policy.FullName))
        {
            var isShard = ulong.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && id.ToString(CultureInfo.InvariantCulture) == entry.Name;
            switch (entry)
            {
                case DirectoryInfo when isShard:
                    found.Add((new ShardKey(database, policy.Name, id), entry.FullName));
                    break;
                case FileInfo when isShard:
                    oldShards++;
                    break;
                case DirectoryInfo:
                    warnings.Add($"'{entry.FullName}' is left out: the directory of a shard is named by its number.");
                    break;
            }
        }
    }

    /// <summary>
    /// Nothing was found: was a directory above or below the right one given? Above, the server's three directories lie side by side;
    /// below, shards are found one or two levels higher than they should be.
    /// </summary>
    private void ThrowIfMistaken(string path)
    {
        var kind = what == "WAL directory" ? "wal" : "data";
        var child = Path.Combine(path, kind);
        if (Directory.Exists(child) && (Directory.Exists(Path.Combine(path, "meta")) || Directory.Exists(Path.Combine(path, kind == "wal" ? "data" : "wal"))))
        {
            throw Mistaken(path, "holds the server's directories and not its databases", $"Give '{child}'.");
        }

        for (var (level, parent) = (0, path); level < 2; level++)
        {
            parent = Path.GetDirectoryName(parent);
            if (parent is null)
            {
                return;
            }

            if (LooksLikePolicies(path, level))
            {
                throw Mistaken(path, level == 0 ? "is that of a single database" : "is that of a single retention policy", $"Give '{parent}' and choose by name what is meant.");
            }
        }
    }

    /// <summary>Whether shards lie two levels (0) or one level (1) below the path, told by the files inside.</summary>
    private static bool LooksLikePolicies(string path, int level)
    {
        var policies = level == 0 ? Directories(path).Where(d => d.Name != SeriesFile) : [new DirectoryInfo(path)];
        return policies.SelectMany(p => Directories(p)).Any(
            d => ulong.TryParse(d.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                && DirectoryEntries.Read(d.FullName).Any(e => e.Name.EndsWith(".tsm", StringComparison.Ordinal) || e.Name.EndsWith(".wal", StringComparison.Ordinal)));
    }

    private InfluxBackupException Mistaken(string path, string why, string remedy) =>
        new("DirectoryMistaken", ErrorKind.InvalidArgument, $"'{path}' is not the {what} of a server: it {why}.") { Subject = path, Remedy = remedy };

    private static IEnumerable<DirectoryInfo> Directories(FileSystemInfo path) => Directories(path.FullName);

    /// <summary>A new file system has an empty <c>lost+found</c> that only root can read.</summary>
    private static IEnumerable<DirectoryInfo> Directories(string path) =>
        DirectoryEntries.Read(path).OfType<DirectoryInfo>().Where(d => d.Name != "lost+found");
}
