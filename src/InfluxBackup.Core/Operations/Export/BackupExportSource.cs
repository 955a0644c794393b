using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>A backup of a set, or what the whole set stands for. No server is needed.</summary>
/// <param name="path">Directory of the set.</param>
/// <param name="timestamp">The backup; the newest unless given.</param>
/// <param name="combine">Each shard from the newest backup that has it; so it is with an incremental backup in any case.</param>
public sealed class BackupExportSource(string path, string? timestamp, bool combine) : ExportSource
{
    private RestorePoint? point;

    private readonly StagingArea area = new();

    /// <summary>Shards whose archive is gone, and the backup that had it.</summary>
    private Dictionary<ShardKey, string> lost = [];

    /// <inheritdoc/>
    public override string Subject => point is null ? $"backup set '{path}'" : $"backup {point.Newest.Timestamp} in '{point.Newest.Directory}'";

    /// <inheritdoc/>
    internal override Task<ExportCatalog> ReadCatalogAsync(ShardSelection selection, CancellationToken cancel)
    {
        var set = BackupSet.Open(path);
        var backup = set.Find(timestamp);
        point = combine || backup.IsOneOfAChain ? RestorePoint.Combine(set, backup.Timestamp) : RestorePoint.Of(backup);
        if (backup.IsOneOfAChain)
        {
            lost = point.Lost.ToDictionary(m => new ShardKey(m.Database, m.RetentionPolicy, m.ShardId), m => m.UnchangedSince!);
        }

        var chosen = selection.Choose(point.Metadata, $"backup {point.Newest.Timestamp}").Where(s => IsWanted(s.Key, selection)).ToList();
        var shards = chosen.Where(s => point.Shards.ContainsKey(s.Key) || lost.ContainsKey(s.Key))
            .Select(s => new ExportShard(s.Key, s, point.Shards.GetValueOrDefault(s.Key)?.Entry.Size))
            .ToList();
        var warnings = point.Newest.MetadataWarnings.ToList();
        warnings.AddRange((point.Newest.Manifest.Run?.MissingShards ?? [])
            .Where(m => m.Outcome == ShardOutcome.Failed && chosen.Any(s => s.Key.Id == m.ShardId))
            .Select(m => $"Shard {m.ShardId} is not in the backup: {m.Reason}"));
        return Task.FromResult(new ExportCatalog(shards, point.Metadata, warnings));
    }

    /// <inheritdoc/>
    internal override Task<LocalShard> OpenAsync(ExportShard shard, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel) =>
        lost.TryGetValue(shard.Key, out var gone)
            ? throw ExportErrors.EarlierBackupMissing(shard.Key, point!.Newest.Timestamp, gone)
            : ShardStage.OpenAsync(shard, new PortableShardSource(point!.Shards, StoredHashes.One), area, options, salvage, cancel);
}
