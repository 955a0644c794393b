using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>Shards from the archives of a backup set, checked against what their manifest says.</summary>
public sealed class PortableShardSource(IReadOnlyDictionary<ShardKey, StoredShard> shards) : IShardSource
{
    /// <summary>Decompression keeps one processor busy for each shard.</summary>
    public int PreferredParallelism => Math.Clamp(Environment.ProcessorCount, 1, 4);

    /// <inheritdoc/>
    public Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var stored = shards[shard];
        var entry = stored.Entry;
        return Task.FromResult(new ShardStream(GzipShardStream.Open(stored.Path, entry.ArchiveSize, entry.ArchiveSha256))
        {
            ExpectedLength = entry.Size,
            ExpectedSha256 = entry.TarSha256,
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
