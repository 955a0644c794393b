using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations.Checks;

/// <summary>The files of a set, and which of them belong to a backup.</summary>
internal sealed class SetFiles
{
    private readonly List<string> unlisted;
    private readonly Dictionary<string, HashSet<ulong>> shards;

    private SetFiles(List<string> unlisted, Dictionary<string, HashSet<ulong>> shards) => (this.unlisted, this.shards) = (unlisted, shards);

    public static SetFiles Read(BackupSet set)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal);
        var unreadable = new List<string>();
        var shards = new Dictionary<string, HashSet<ulong>>(StringComparer.Ordinal);
        foreach (var path in set.ManifestPaths())
        {
            listed.Add(Path.GetFileName(path));
            var timestamp = Path.GetFileNameWithoutExtension(path);
            shards[timestamp] = [];
            try
            {
                var manifest = ManifestFile.Read(path);
                listed.Add(manifest.Meta.FileName);
                listed.UnionWith((manifest.Files ?? []).Select(f => f.FileName));
                shards[timestamp].UnionWith((manifest.Files ?? []).Select(f => f.ShardId));
            }
            catch (InfluxBackupException)
            {
                // Its own test tells of it. What its files are nobody can say.
                unreadable.Add(timestamp + ".");
            }
        }

        try
        {
            var unlisted = Directory.EnumerateFiles(set.Directory)
                .Select(p => Path.GetFileName(p))
                .Where(n => !n.StartsWith('.') && !listed.Contains(n) && !unreadable.Any(u => n.StartsWith(u, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
                .ToList();
            return new SetFiles(unlisted, shards);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(set.Directory, e);
        }
    }

    /// <summary>Whether the set has this backup, and it this shard.</summary>
    public bool Has(string timestamp, ulong shardId) => shards.TryGetValue(timestamp, out var ids) && ids.Contains(shardId);

    /// <summary>Files that bear the name of this backup and that no manifest lists.</summary>
    public IEnumerable<string> UnlistedOf(string timestamp) => unlisted.Where(n => n.StartsWith(timestamp + ".", StringComparison.Ordinal));

    /// <summary>Files that bear the name of no backup of the set.</summary>
    public IEnumerable<string> UnlistedOfNone() => unlisted.Where(n => !shards.ContainsKey(n.Split('.')[0]));
}
