using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>What a set has of each shard by now: the archives that a restore of the whole set would use.</summary>
internal sealed class SetHistory
{
    private readonly IReadOnlyDictionary<ShardKey, StoredShard> shards;

    private SetHistory(IReadOnlyDictionary<ShardKey, StoredShard> shards) => this.shards = shards;

    /// <summary>
    /// Reads the manifests of a set. One that can't be used is a warning, because a new backup of everything is the way out; what they have
    /// of another server or cluster does not count.
    /// </summary>
    /// <param name="path">The set, which need not exist.</param>
    /// <param name="now">The metadata of what is backed up.</param>
    /// <param name="warnings">Takes what the user should know.</param>
    public static SetHistory Read(string path, ServerMetadata now, ICollection<string> warnings)
    {
        if (Directory.Exists(path) && BackupSet.Open(path) is var set && set.ManifestPaths().Count > 0)
        {
            try
            {
                var point = RestorePoint.Combine(set, upTo: null);
                if (!point.Metadata.IsOfSameServer(now))
                {
                    warnings.Add($"The set's last backup, {point.Newest.Timestamp}, is of another server or cluster, so that all shards are taken. A set of its own for each keeps them apart.");
                }

                return new SetHistory(point.Shards.Where(s => now.IsSameShard(s.Value.Backup.Metadata, s.Key)).ToDictionary());
            }
            catch (InfluxBackupException e) when (e.Kind is ErrorKind.InvalidData or ErrorKind.Read)
            {
                warnings.Add($"The earlier backups of the set can't be told apart, so that all shards are taken: {e.FullMessage}");
            }
        }

        return new SetHistory(new Dictionary<ShardKey, StoredShard>());
    }

    /// <summary>The set's archive of a shard, if it lies there in its full size.</summary>
    public StoredShard? Find(ShardKey shard) =>
        shards.TryGetValue(shard, out var stored) && new FileInfo(stored.Path) is { Exists: true } file && (stored.Entry.ArchiveSize ?? file.Length) == file.Length
            ? stored
            : null;

    /// <summary>Whether the set has points of a shard.</summary>
    public bool HasFiles(ShardKey shard) => Find(shard)?.Entry is { } entry
        && (entry.Entries?.Any(e => ShardFileName.IsTsm(e.Name)) ?? entry.Size > TarScanner.TrailerSize);

    /// <summary>
    /// The backup that has a shard as it is: each owner that tells anything tells what it told then, to the nanosecond and the byte. Any
    /// difference counts, the greater as the smaller, because nodes have clocks of their own. A node that is down can't have changed since,
    /// as far as this backup could have it. Archives without such a record, of other tools for instance, never count.
    /// </summary>
    /// <param name="shard">The shard.</param>
    /// <param name="copies">Its copies now.</param>
    /// <param name="ofAllOwners">Only an archive that has what every owner had.</param>
    public string? FindUnchanged(ShardKey shard, IReadOnlyList<ShardCopy> copies, bool ofAllOwners)
    {
        if (Find(shard) is not { Entry.Owners: { Count: > 0 } owners } stored)
        {
            return null;
        }

        var recorded = owners.ToDictionary(o => o.NodeId);
        var asked = copies.Where(c => c.IsHeld is not null).ToList();
        var isSame = asked.Exists(c => c.IsHeld == true) && asked.TrueForAll(c => recorded.TryGetValue(c.NodeId, out var then)
            ? c.IsHeld == true && c.LastModified == then.LastModified && c.Size == then.Size && (then.IsSource || !ofAllOwners)
            : c.IsHeld == false);
        return isSame ? stored.Backup.Timestamp : null;
    }
}
