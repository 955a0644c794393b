using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Writes one portable backup into a set. Until <see cref="Commit"/> every file of it ends in <c>.partial</c>; after it the backup is
/// there, whole and on the disk. Disposed without a commit, it leaves nothing.
/// </summary>
public sealed class PortableBackupWriter : IShardSink, IDisposable
{
    private readonly BackupSet set;
    private readonly BackupSetLock setLock;
    private readonly CompressionLevel compression;
    private readonly ConcurrentDictionary<ShardKey, (long Size, string Sha256)> written = new();
    private readonly List<string> named = [];
    private bool committed;

    private PortableBackupWriter(BackupSet set, BackupSetLock setLock, string timestamp, CompressionLevel compression)
    {
        this.set = set;
        this.setLock = setLock;
        this.compression = compression;
        Timestamp = timestamp;
    }

    /// <summary>Name of the backup in its set.</summary>
    public string Timestamp { get; }

    public string ManifestPath => Final(Timestamp + ManifestFile.Suffix);

    private string MetaFileName => Timestamp + MetaFile.Suffix;

    /// <summary>Locks the set, removes what earlier runs left and finds the backup a name.</summary>
    /// <exception cref="InfluxBackupException">The set is in use or can't be written.</exception>
    public static PortableBackupWriter Begin(BackupSet set, CompressionLevel compression, DateTime utcNow, ILogger logger)
    {
        var taken = BackupSetLock.Take(set);
        try
        {
            AbandonedRuns.Remove(set, logger);

            // Seconds are all that a name has: a set that got a backup in this very second gets the next one a second later.
            var time = utcNow;
            while (Directory.EnumerateFiles(set.Directory, BackupTimestamp.Format(time) + ".*").Any())
            {
                time = time.AddSeconds(1);
            }

            return new PortableBackupWriter(set, taken, BackupTimestamp.Format(time), compression);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    public static string ArchiveName(string timestamp, ulong shardId) =>
        string.Create(CultureInfo.InvariantCulture, $"{timestamp}.s{shardId}.tar.gz");

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        var path = Partial(ArchiveName(Timestamp, shard.Id));
        try
        {
            using var file = new HashedFileWriter(path);
            using var gzip = new ShardGzipWriter(file, compression);
            while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
            {
                // Compression and the page cache take the bytes on this very thread; an asynchronous detour only costs.
                gzip.Write(piece);
            }

            gzip.Complete();
            var sha256 = file.Complete();
            written[shard] = (file.Length, sha256);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(path, e);
        }
    }

    /// <inheritdoc/>
    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        IReadOnlyList<string>? warnings = archive.Tombstones.Any()
            ? [$"{shard} has deletes that the server has not yet applied to its files (tombstones); they are in the archive. InfluxBackup applies them when it restores; influxd does not."]
            : null;
        return Task.FromResult(new ShardReceipt(written[shard].Size, Warnings: warnings));
    }

    /// <inheritdoc/>
    public Task DiscardAsync(ShardKey shard)
    {
        written.TryRemove(shard, out _);
        TryDelete(Partial(ArchiveName(Timestamp, shard.Id)));
        return Task.CompletedTask;
    }

    /// <summary>Names and hash of a shard's archive, for its entry in the manifest.</summary>
    public ManifestShard Describe(ShardResult result) => new()
    {
        Database = result.Shard.Database,
        RetentionPolicy = result.Shard.RetentionPolicy,
        ShardId = result.Shard.Id,
        FileName = ArchiveName(Timestamp, result.Shard.Id),
        Size = result.Archive!.Length,
        ArchiveSize = written[result.Shard].Size,
        ArchiveSha256 = written[result.Shard].Sha256,
        TarSha256 = result.Archive.Sha256,
        Entries = result.Archive.Entries.Select(e => new ManifestEntry { Name = e.Name, Size = e.Size }).ToList(),
        Warnings = result.Warnings.Count > 0 ? result.Warnings : null,
    };

    /// <summary>Makes the backup visible: metadata and archives get their names, then the manifest. All are on the disk by then.</summary>
    /// <param name="manifest">The manifest but for the entry of the metadata file.</param>
    /// <param name="metadata">The server's metadata.</param>
    /// <param name="highestNodeId">The cluster's highest node id; 0 for a single server.</param>
    /// <returns>The manifest as written.</returns>
    public BackupManifest Commit(BackupManifest manifest, ReadOnlyMemory<byte> metadata, ulong highestNodeId = 0)
    {
        var metaFile = MetaFile.ToBytes(metadata, highestNodeId);
        var complete = manifest with
        {
            Meta = new ManifestMeta
            {
                FileName = MetaFileName,
                Size = metadata.Length,
                FileSha256 = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(metaFile)).ToLowerInvariant(),
            },
        };
        try
        {
            LocalFile.WriteDurably(Partial(MetaFileName), metaFile);
            LocalFile.WriteDurably(Partial(Path.GetFileName(ManifestPath)), ManifestFile.ToBytes(complete));
            LocalFile.FlushDirectory(set.Directory);
            foreach (var name in (complete.Files ?? []).Select(f => f.FileName).Append(MetaFileName))
            {
                File.Move(Partial(name), Final(name));
                named.Add(name);
            }

            LocalFile.FlushDirectory(set.Directory);
            File.Move(Partial(Path.GetFileName(ManifestPath)), ManifestPath);
            committed = true;
            LocalFile.FlushDirectory(set.Directory);
            return complete;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(ManifestPath, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            if (!committed)
            {
                RemoveOurs();
            }
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            // The directory itself is gone or can't be read; the error that brought us here says so.
        }
        finally
        {
            setLock.Dispose();
        }
    }

    /// <summary>
    /// Only what this run made: another program may use the same second. The partial manifest goes last, and stays where a named
    /// file can't be deleted, because without it the next run could not tell that the file is ours.
    /// </summary>
    private void RemoveOurs()
    {
        if (File.Exists(ManifestPath))
        {
            return; // The last rename failed in name only: the backup is there, and whole.
        }

        var manifest = Partial(Path.GetFileName(ManifestPath));
        named.ForEach(name => TryDelete(Final(name)));
        foreach (var path in Directory.EnumerateFiles(set.Directory, Timestamp + ".*" + LocalFile.PartialSuffix).Where(p => p != manifest).ToList())
        {
            TryDelete(path);
        }

        if (!named.Exists(name => File.Exists(Final(name))))
        {
            TryDelete(manifest);
        }
    }

    private string Final(string name) => Path.Combine(set.Directory, name);

    private string Partial(string name) => Final(name) + LocalFile.PartialSuffix;

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            // The error that brought us here matters more. The file is invisible to readers, and the next run removes it.
        }
    }
}
