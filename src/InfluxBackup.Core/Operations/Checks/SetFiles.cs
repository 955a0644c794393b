using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations.Checks;

/// <summary>The files of a set, and which of them belong to a backup.</summary>
internal sealed class SetFiles
{
    private readonly List<string> unlisted;
    private readonly HashSet<string> timestamps;

    private SetFiles(List<string> unlisted, HashSet<string> timestamps) => (this.unlisted, this.timestamps) = (unlisted, timestamps);

    public static SetFiles Read(BackupSet set)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal);
        var unreadable = new List<string>();
        var timestamps = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in set.ManifestPaths())
        {
            listed.Add(Path.GetFileName(path));
            var timestamp = Path.GetFileNameWithoutExtension(path);
            timestamps.Add(timestamp);
            try
            {
                var manifest = ManifestFile.Read(path);
                listed.Add(manifest.Meta.FileName);
                listed.UnionWith((manifest.Files ?? []).Select(f => f.FileName));
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
            return new SetFiles(unlisted, timestamps);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(set.Directory, e);
        }
    }

    /// <summary>Files that bear the name of this backup and that no manifest lists.</summary>
    public IEnumerable<string> UnlistedOf(string timestamp) => unlisted.Where(n => n.StartsWith(timestamp + ".", StringComparison.Ordinal));

    /// <summary>Files that bear the name of no backup of the set.</summary>
    public IEnumerable<string> UnlistedOfNone() => unlisted.Where(n => !timestamps.Contains(n.Split('.')[0]));
}
