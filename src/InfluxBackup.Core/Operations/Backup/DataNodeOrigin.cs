using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>A single server, or what one node of a cluster holds by itself.</summary>
internal sealed class DataNodeOrigin(ServerAccess server, BackupOptions options) : IBackupOrigin
{
    /// <summary>By which the clocks of two hosts may differ without a mistake.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromHours(1);

    private readonly SnapshotterClient client = server.CreateClient();
    private readonly InfluxHttpClient? http = server.CreateHttpClient();

    /// <inheritdoc/>
    public async Task<BackupPlan> PlanAsync(CancellationToken cancel)
    {
        CheckOptions();
        var host = $"data node {client.Address}";
        var metastore = await client.ReadMetastoreAsync(cancel).ConfigureAwait(false);
        var metadata = ServerMetadata.Parse(metastore.Metadata, host);
        var chosen = options.Strategy == BackupStrategy.MetadataOnly ? [] : options.Selection.Choose(metadata, host);
        var warnings = new List<string>();
        IReadOnlyList<ShardDescription> elsewhere = [];
        if (metadata.ShardIdsGivenTwice.Count > 0)
        {
            warnings.Add($"The metadata of {client.Address} give the shard ids {string.Join(", ", metadata.ShardIdsGivenTwice)} twice, which two imports at once can do: only one shard of each id is in this backup.");
        }

        if (chosen.Any(s => s.Owners.Count > 0))
        {
            // On a node of a cluster the metadata name every node's shards; only those that are here can be had here.
            var here = await client.ReadShardsAsync(null, null, cancel).ConfigureAwait(false)
                ?? throw new InfluxBackupException("ShardListMissing", ErrorKind.InvalidData, $"Data node {client.Address} did not say which shards it holds.")
                {
                    Subject = client.Address.ToString(),
                    IsTransient = true,
                };
            var local = chosen.Where(s => here.Contains(s.Key)).ToList();
            if (local.Count < chosen.Count)
            {
                warnings.Add($"{client.Address} is a node of a cluster: {chosen.Count - local.Count} of the {chosen.Count} shards live on other nodes only and are not in this backup. Name the cluster's meta nodes instead to get all of them.");
            }

            elsewhere = chosen.Except(local).ToList();
            chosen = local;
        }

        var statistics = http is null ? null : await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false);
        return new BackupPlan
        {
            Source = client.Address.ToString(),
            DataNode = client.Address.ToString(),
            Strategy = options.Strategy ?? BackupStrategy.Full,
            Path = options.Path,
            ServerVersion = http is null ? null : await http.ReadVersionAsync(cancel).ConfigureAwait(false),
            MetadataBytes = metastore.Metadata,
            Metadata = metadata,
            Shards = chosen.Select(s => new PlannedBackupShard(s, ExpectedBytes(statistics, s.Key.Id))).ToList(),
            Elsewhere = elsewhere,
            Warnings = warnings,
        };
    }

    /// <inheritdoc/>
    public Task PrepareAsync(BackupPlan plan, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public IShardSource OpenSource(BackupPlan plan) => new LiveShardSource(
        client, new LiveShardSourceOptions { Since = options.Since, BarrierPatience = options.FlushPatience, Http = http }, options.Logger);

    /// <inheritdoc/>
    public ManifestShard Describe(ManifestShard entry, ShardResult shard) => entry;

    /// <inheritdoc/>
    public void Dispose() => http?.Dispose();

    private void CheckOptions()
    {
        if (options.Since > DateTimeOffset.UtcNow + ClockDifference)
        {
            throw new InfluxBackupException("SinceInFuture", ErrorKind.InvalidArgument, $"Nothing can have changed since {options.Since:O}: that is in the future.")
            {
                Remedy = "Give a time in the past, for instance the name of the set's last backup.",
            };
        }

        if (options.Strategy == BackupStrategy.Incremental)
        {
            throw new InfluxBackupException("StrategyUnsupported", ErrorKind.Unsupported, "A single server does not tell when its shards changed, as the meta nodes of a cluster do.")
            {
                Remedy = "Give the time of the set's last backup with -Since (--since); the server then says which shards have newer files.",
            };
        }

        if (options.From.Count > 0 || options.AllOwners)
        {
            throw new InfluxBackupException("ClusterRequired", ErrorKind.InvalidArgument, "A single server holds each shard once: there are no owners to choose from.")
            {
                Remedy = "Leave out -From and -AllOwners (--from, --all-owners), or name the cluster's meta nodes.",
            };
        }
    }

    /// <summary>About the length of the tar stream: a header and padding for each file, and the trailer.</summary>
    private static long? ExpectedBytes(IReadOnlyDictionary<ulong, ShardStatistics>? statistics, ulong id) =>
        statistics is not null && statistics.TryGetValue(id, out var shard)
            ? shard.DiskBytes + (shard.TsmFiles * (TarScanner.BlockSize * 3 / 2)) + TarScanner.TrailerSize
            : null;
}
