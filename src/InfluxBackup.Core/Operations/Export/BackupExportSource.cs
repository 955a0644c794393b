using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>A backup of a set, or what the whole set stands for. No server is needed.</summary>
/// <param name="path">Directory of the set.</param>
/// <param name="timestamp">The backup; the newest unless given.</param>
/// <param name="combine">Each shard from the newest backup that has it.</param>
public sealed class BackupExportSource(string path, string? timestamp, bool combine) : ExportSource
{
    private RestorePoint? point;

    private readonly StagingArea area = new();

    /// <inheritdoc/>
    public override string Subject => point is null ? $"backup set '{path}'" : $"backup {point.Newest.Timestamp} in '{point.Newest.Directory}'";

    /// <inheritdoc/>
    internal override Task<ExportCatalog> ReadCatalogAsync(ShardSelection selection, CancellationToken cancel)
    {
        var set = BackupSet.Open(path);
        point = combine ? RestorePoint.Combine(set, timestamp) : RestorePoint.Of(set.Find(timestamp));
        var chosen = selection.Choose(point.Metadata, $"backup {point.Newest.Timestamp}").Where(s => IsWanted(s.Key, selection)).ToList();
        var shards = chosen.Where(s => point.Shards.ContainsKey(s.Key)).Select(s => new ExportShard(s.Key, s, point.Shards[s.Key].Entry.Size)).ToList();
        var warnings = point.Newest.MetadataWarnings.ToList();
        warnings.AddRange((point.Newest.Manifest.Run?.MissingShards ?? [])
            .Where(m => m.Outcome == ShardOutcome.Failed && chosen.Any(s => s.Key.Id == m.ShardId))
            .Select(m => $"Shard {m.ShardId} is not in the backup: {m.Reason}"));
        return Task.FromResult(new ExportCatalog(shards, point.Metadata, warnings));
    }

    /// <inheritdoc/>
    internal override Task<LocalShard> OpenAsync(ExportShard shard, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel) =>
        ShardStage.OpenAsync(shard, new PortableShardSource(point!.Shards, StoredHashes.One), area, options, salvage, cancel);
}
