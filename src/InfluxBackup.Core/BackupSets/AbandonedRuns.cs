using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Removes what runs left that died. While a run copies, all its files end in <c>.partial</c>. When it commits, it first writes
/// <c>PREFIX.manifest.partial</c>, whole, then gives the other files their names, and the manifest last; so a partial manifest without
/// a manifest beside it names every file that may already have its final name. Only the holder of the set's lock may clean.
/// </summary>
public static partial class AbandonedRuns
{
    /// <summary>Cleans up; returns the names of the files removed.</summary>
    public static IReadOnlyList<string> Remove(BackupSet set, ILogger logger)
    {
        var removed = new List<string>();
        try
        {
            var partials = Directory.EnumerateFiles(set.Directory, "*" + LocalFile.PartialSuffix).Where(p => OurPartial().IsMatch(Path.GetFileName(p))).ToList();
            foreach (var manifest in partials.Where(p => p.EndsWith(ManifestFile.Suffix + LocalFile.PartialSuffix, StringComparison.Ordinal)))
            {
                RemoveFilesOf(manifest, removed);
            }

            foreach (var partial in partials)
            {
                Delete(partial, removed);
            }
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(set.Directory, e);
        }

        if (removed.Count > 0)
        {
            logger.LogWarning("An earlier run into '{Directory}' did not finish; {Count} files that it left were removed.", set.Directory, removed.Count);
        }

        return removed;
    }

    private static void RemoveFilesOf(string partialManifest, List<string> removed)
    {
        var final = partialManifest[..^LocalFile.PartialSuffix.Length];
        if (File.Exists(final))
        {
            return; // The run did commit; only the leftover itself goes.
        }

        BackupManifest manifest;
        try
        {
            manifest = ManifestFile.Read(partialManifest);
        }
        catch (InfluxBackupException)
        {
            return; // Died while writing it: no file had been given its name by then.
        }

        var prefix = Path.GetFileNameWithoutExtension(final) + ".";
        foreach (var name in (manifest.Files ?? []).Select(f => f.FileName).Append(manifest.Meta.FileName).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)))
        {
            Delete(Path.Combine(Path.GetDirectoryName(final)!, name), removed);
        }
    }

    private static void Delete(string path, List<string> removed)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
            removed.Add(Path.GetFileName(path));
        }
    }

    [GeneratedRegex("^[0-9]{8}T[0-9]{6}Z\\.(s[0-9]+\\.tar\\.gz|meta|manifest)\\.partial\\z", RegexOptions.CultureInvariant)]
    private static partial Regex OurPartial();
}
