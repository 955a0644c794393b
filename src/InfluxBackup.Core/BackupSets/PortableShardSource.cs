using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>Which hashes of the manifest are compared while archives are read. Lengths and structure always are.</summary>
public enum StoredHashes
{
    /// <summary>None, because they have just been compared.</summary>
    None,

    /// <summary>That of the compressed file, which finds any change of it; that of the tar stream where the manifest has no other.</summary>
    One,

    /// <summary>Those of the compressed file and of the tar stream.</summary>
    All,
}

/// <summary>Shards from the archives of a backup set, checked against what their manifest says.</summary>
/// <param name="shards">Where each is.</param>
/// <param name="hashes">What to compare, where the manifest has hashes.</param>
/// <param name="checksTsmEnds">Whether the head and foot of TSM files are looked at; not where the sink opens them.</param>
public sealed class PortableShardSource(
    IReadOnlyDictionary<ShardKey, StoredShard> shards, StoredHashes hashes = StoredHashes.All, bool checksTsmEnds = true) : IShardSource
{
    /// <summary>Decompression keeps one processor busy for each shard; twice as many cover those that wait for the other side.</summary>
    public int PreferredParallelism => Math.Clamp(2 * Environment.ProcessorCount, 2, 8);

    /// <inheritdoc/>
    public Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var stored = shards[shard];
        var entry = stored.Entry;
        var archiveHash = hashes == StoredHashes.None ? null : entry.ArchiveSha256;
        return Task.FromResult(new ShardStream(GzipShardStream.Open(stored.Path, entry.ArchiveSize, archiveHash))
        {
            ExpectedLength = entry.Size,
            AreTsmEndsChecked = checksTsmEnds,
            ExpectedSha256 = entry.TarSha256,
            IsHashed = entry.TarSha256 is not null && (hashes == StoredHashes.All || (hashes == StoredHashes.One && archiveHash is null)),
        });
    }

    /// <inheritdoc/>
    public Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var stored = shards[shard];
        if (stored.Entry.Entries is { } listed
            && !listed.Select(e => (e.Name, e.Size)).SequenceEqual(archive.Entries.Select(e => (e.Name, e.Size))))
        {
            throw new InfluxBackupException(
                "ShardEntriesDiffer", ErrorKind.InvalidData, $"The archive '{stored.Path}' does not hold the files that its manifest lists.")
            {
                Subject = stored.Path,
            };
        }

        return Task.CompletedTask;
    }
}
