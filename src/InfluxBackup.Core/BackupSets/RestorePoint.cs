using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>Where the archive of a shard is, and what its manifest says of it.</summary>
public sealed record StoredShard(PortableBackup Backup, ManifestShard Entry)
{
    public string Path => Backup.ArchivePath(Entry);
}

/// <summary>A state of the server that a set can bring back: metadata, and one archive for each shard.</summary>
public sealed class RestorePoint
{
    private RestorePoint(PortableBackup newest, IReadOnlyDictionary<ShardKey, StoredShard> shards)
    {
        Newest = newest;
        Shards = shards;
    }

    /// <summary>The backup whose metadata count.</summary>
    public PortableBackup Newest { get; }

    public ServerMetadata Metadata => Newest.Metadata;

    public IReadOnlyDictionary<ShardKey, StoredShard> Shards { get; }

    /// <summary>
    /// Shards that the newest backup left to an earlier one of its set because they had not changed, and that are not there any more:
    /// that backup was removed. What still earlier ones have is of another time.
    /// </summary>
    public IReadOnlyList<ManifestMissingShard> Lost =>
        (Newest.Manifest.Run?.MissingShards ?? [])
            .Where(m => m.UnchangedSince is not null
                && (!Shards.TryGetValue(new ShardKey(m.Database, m.RetentionPolicy, m.ShardId), out var stored) || string.CompareOrdinal(stored.Backup.Timestamp, m.UnchangedSince) < 0))
            .ToList();

    /// <summary>One backup by itself.</summary>
    public static RestorePoint Of(PortableBackup backup) =>
        new(backup, backup.Shards().ToDictionary(s => s.Key, s => new StoredShard(backup, s.Entry)));

    /// <summary>
    /// The combination that a set stands for: the newest metadata, and each shard from the newest backup that has it. Archives hold whole
    /// shards, so one archive is all of a shard. Shards that the newest metadata do not know any more are left out, and so is what is of
    /// another server: one that was set up anew gives the same ids again. Backups of other tools follow those tools' rule among themselves:
    /// an older archive with a greater <c>lastModified</c> wins. Not where one of the two is ours: its time may come from another owner with
    /// another clock, and what was read later is never older.
    /// </summary>
    /// <param name="set">The set.</param>
    /// <param name="upTo">The newest backup that counts; null for the newest of all.</param>
    public static RestorePoint Combine(BackupSet set, string? upTo)
    {
        var newest = set.Find(upTo);
        var shards = new Dictionary<ShardKey, StoredShard>();
        foreach (var path in set.ManifestPaths().Where(p => string.CompareOrdinal(Path.GetFileName(p), Path.GetFileName(newest.ManifestPath)) <= 0))
        {
            var backup = path == newest.ManifestPath ? newest : PortableBackup.Open(path);
            foreach (var (key, entry) in backup.Shards())
            {
                var known = newest.Metadata.FindShard(key.Id);
                if (known is null || known.IsDeleted || !newest.Metadata.IsSameShard(backup.Metadata, key))
                {
                    continue;
                }

                if (!shards.TryGetValue(key, out var have) || (have.Backup.Manifest.Run is null && backup.Manifest.Run is null && entry.LastModified > have.Entry.LastModified))
                {
                    shards[key] = new StoredShard(backup, entry);
                }
            }
        }

        return new RestorePoint(newest, shards);
    }
}
