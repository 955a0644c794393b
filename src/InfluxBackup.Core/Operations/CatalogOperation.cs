using InfluxBackup.BackupSets;
using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>Says what a server or a backup set holds.</summary>
public static class CatalogOperation
{
    /// <summary>Shards of a running server, in the order of its metadata. Sizes where the HTTP API was given.</summary>
    public static async Task<IReadOnlyList<ShardInfo>> ReadServerAsync(ServerAccess server, ShardSelection selection, CancellationToken cancel)
    {
        var client = server.CreateClient();
        var host = $"data node {client.Address}";
        var metadata = ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, host);
        var chosen = selection.Choose(metadata, host);
        var present = (await client.ReadShardsAsync(null, null, cancel).ConfigureAwait(false) ?? []).ToHashSet();
        using var http = server.CreateHttpClient();
        var statistics = http is null ? null : await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false);
        return chosen.Select(shard =>
        {
            var files = statistics?.GetValueOrDefault(shard.Key.Id);
            return Describe(shard) with
            {
                DataNode = client.Address.ToString(),
                IsPresent = present.Contains(shard.Key),
                Size = files?.DiskBytes,
                TsmFiles = files?.TsmFiles,
            };
        }).ToList();
    }

    /// <summary>Shards of a cluster as its metadata name them; the data nodes are not asked (<see cref="ClusterOperation"/> does).</summary>
    public static async Task<IReadOnlyList<ShardInfo>> ReadClusterAsync(ClusterAccess cluster, ShardSelection selection, CancellationToken cancel)
    {
        using var meta = cluster.CreateMetaClient(NullLogger.Instance);
        var metadata = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
        return selection.Choose(metadata, meta.Name).Select(Describe).ToList();
    }

    /// <summary>Shards in the directories of a stopped server, with the number and size of their files.</summary>
    /// <exception cref="InfluxBackupException">Something chosen does not exist, or a directory can't be read.</exception>
    public static ShardCatalog ReadDirectories(ServerDirectories directories, ShardSelection selection, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(directories);
        var listing = directories.ReadShards(selection, cancel);
        return new ShardCatalog(listing.Shards.Select(Describe).ToList(), listing.Warnings);
    }

    internal static ShardInfo Describe(ShardFiles files) => new()
    {
        Database = files.Shard.Database,
        RetentionPolicy = files.Shard.RetentionPolicy,
        ShardId = files.Shard.Id,
        StartTime = files.Description is { } known ? ShardTime.ToDateTime(known.Start) : null,
        EndTime = files.Description is { } ending ? ShardTime.ToDateTime(ending.End) : null,
        Size = files.Bytes,
        TsmFiles = files.TsmFiles.Count,
        Tombstones = files.Tombstones.Count,
        WalSegments = files.WalSegments.Count,
        IsPresent = true,
        Path = files.DataPath ?? files.WalPath,
    };

    /// <summary>Names of the backups of a set, newest first.</summary>
    public static IReadOnlyList<string> ReadTimestamps(string path) =>
        BackupSet.Open(path).ManifestPaths().Select(p => Path.GetFileNameWithoutExtension(p)).ToList();

    /// <summary>One backup of a set, the newest unless named.</summary>
    /// <exception cref="InfluxBackupException">There is none, or its manifest or metadata are damaged.</exception>
    public static BackupInfo ReadBackup(string path, string? timestamp, ShardSelection selection)
    {
        var backup = BackupSet.Open(path).Find(timestamp);
        var manifest = backup.Manifest;
        selection.Validate(backup.Metadata, $"backup {backup.Timestamp}");
        var chosen = selection.Choose(backup.Metadata, $"backup {backup.Timestamp}").Select(s => s.Key).ToHashSet();
        var all = selection.IsEverything;
        var shards = backup.Shards().Where(s => all || chosen.Contains(s.Key)).Select(s => DescribeStored(backup, s.Key, s.Entry)).ToList();
        return new BackupInfo
        {
            Path = backup.Directory,
            Timestamp = backup.Timestamp,
            Created = BackupTimestamp.TryParse(backup.Timestamp, out var created) ? created : null,
            ManifestPath = backup.ManifestPath,
            Outcome = manifest.Run?.Outcome,
            Source = manifest.Run?.Source,
            ServerVersion = manifest.Run?.ServerVersion,
            ToolVersion = manifest.Run?.ToolVersion,
            Strategy = manifest.Run?.Strategy,
            Since = manifest.Run?.Since,
            IsLimited = manifest.Limited,
            Databases = shards.Select(s => s.Database).Distinct().ToList(),
            Shards = shards,
            Users = backup.Metadata.Data.Users.Select(u => u.Name).ToList(),
            ContinuousQueries = backup.Metadata.Databases.SelectMany(d => d.ContinuousQueries.Select(q => $"{d.Name}.{q.Name}")).ToList(),
            Warnings = [.. backup.MetadataWarnings, .. manifest.Run?.Warnings ?? []],
        };
    }

    /// <summary>What a restore of a set would take, shard by shard: from one backup, or where its newest is incremental from several.</summary>
    /// <param name="path">Directory of the set, or a manifest in it.</param>
    /// <param name="timestamp">The backup; the newest unless given.</param>
    /// <param name="combine">Whether what the whole set stands for is wanted in any case.</param>
    /// <param name="selection">Which shards.</param>
    /// <exception cref="InfluxBackupException">There is none, or its manifest or metadata are damaged.</exception>
    public static ShardCatalog ReadRestorePoint(string path, string? timestamp, bool combine, ShardSelection selection)
    {
        ArgumentNullException.ThrowIfNull(selection);
        var warnings = new List<string>();
        var point = RestorePointFinder.Find(path, timestamp, combine, warnings);
        var chosen = selection.Choose(point.Metadata, $"backup {point.Newest.Timestamp}").Where(s => point.Shards.ContainsKey(s.Key));
        return new ShardCatalog(chosen.Select(s => DescribeStored(point.Shards[s.Key].Backup, s.Key, point.Shards[s.Key].Entry)).ToList(), warnings);
    }

    private static ShardInfo DescribeStored(PortableBackup backup, ShardKey key, ManifestShard entry)
    {
        var file = new FileInfo(backup.ArchivePath(entry));
        return Describe(backup.Metadata.FindShard(key.Id)!) with
        {
            Path = backup.Directory,
            Timestamp = backup.Timestamp,
            FileName = entry.FileName,
            IsPresent = file.Exists,
            Size = entry.Size,
            StoredSize = file.Exists ? file.Length : null,
            TsmFiles = entry.Entries?.Count(e => Transfer.ShardFileName.IsTsm(e.Name)),
            Tombstones = entry.Entries?.Count(e => Transfer.ShardFileName.IsTombstone(e.Name)),
        };
    }

    internal static ShardInfo Describe(ShardDescription shard) => new()
    {
        Database = shard.Key.Database,
        RetentionPolicy = shard.Key.RetentionPolicy,
        ShardId = shard.Key.Id,
        StartTime = ShardTime.ToDateTime(shard.Start),
        EndTime = ShardTime.ToDateTime(shard.End),
    };
}
