using System.Diagnostics;
using System.Globalization;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>Backs up a running server: metadata and shards, into one portable backup of a set.</summary>
public sealed class BackupOperation(BackupOptions options)
{
    /// <summary>By which the clocks of two hosts may differ without a mistake.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromHours(1);

    private readonly ILogger logger = options.Logger;
    private readonly ServerAccess server = options.Server.RequireServer("A backup");
    private readonly SnapshotterClient client = options.Server.RequireServer("A backup").CreateClient();

    /// <summary>Asks the server what there is and decides what to take. Changes nothing.</summary>
    /// <exception cref="InfluxBackupException">The server can't be reached, or does not have what was asked for.</exception>
    public async Task<BackupPlan> PlanAsync(CancellationToken cancel)
    {
        if (options.Since > DateTimeOffset.UtcNow + ClockDifference)
        {
            throw new InfluxBackupException("SinceInFuture", ErrorKind.InvalidArgument, $"Nothing can have changed since {options.Since:O}: that is in the future.")
            {
                Remedy = "Give a time in the past, for instance the name of the set's last backup.",
            };
        }

        var host = $"data node {client.Address}";
        var metastore = await client.ReadMetastoreAsync(cancel).ConfigureAwait(false);
        var metadata = ServerMetadata.Parse(metastore.Metadata, host);
        var chosen = options.Selection.Choose(metadata, host);
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
                warnings.Add($"{client.Address} is a node of a cluster: {chosen.Count - local.Count} of the {chosen.Count} shards live on other nodes only and are not in this backup.");
            }

            elsewhere = chosen.Except(local).ToList();
            chosen = local;
        }

        using var http = server.CreateHttpClient();
        var statistics = http is null ? null : await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false);
        return new BackupPlan
        {
            DataNode = client.Address.ToString(),
            Path = options.Path,
            ServerVersion = http is null ? null : await http.ReadVersionAsync(cancel).ConfigureAwait(false),
            Metastore = metastore,
            Metadata = metadata,
            Shards = chosen.Select(s => new PlannedBackupShard(s, ExpectedBytes(statistics, s.Key.Id))).ToList(),
            Elsewhere = elsewhere,
            Warnings = warnings,
        };
    }

    /// <summary>
    /// Does what the plan says. A shard that can't be had is in the result; the backup is then kept only where
    /// <see cref="OperationOptions.AllowPartial"/> was given, and its manifest says what is missing.
    /// </summary>
    /// <exception cref="InfluxBackupException">The set can't be written or is in use.</exception>
    public async Task<BackupResult> RunAsync(BackupPlan plan, CancellationToken cancel)
    {
        var started = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        var set = BackupSet.OpenOrCreate(options.Path);
        using var writer = PortableBackupWriter.Begin(set, options.CompressionLevel, started, logger);
        using var http = server.CreateHttpClient();
        var source = new LiveShardSource(client, new LiveShardSourceOptions { Since = options.Since, BarrierPatience = options.FlushPatience, Http = http }, logger);
        var tasks = plan.Shards.Select(s => new ShardTask(s.Shard.Key, s.ExpectedBytes)).ToList();
        logger.LogInformation("Backing up {Plan}.", plan);
        var shards = await new ShardTransfer(options.Transfer).RunAsync(tasks, source, writer, cancel).ConfigureAwait(false);

        var outcome = Judge(shards);
        var warnings = plan.Warnings.Concat(WarningsOf(shards)).ToList();
        var result = new BackupResult
        {
            Path = set.Directory,
            Outcome = outcome,
            DataNode = plan.DataNode,
            ServerVersion = plan.ServerVersion,
            StartTime = started,
            Shards = shards,
            Warnings = warnings,
        };
        if (outcome == Outcome.Complete || (outcome == Outcome.Partial && options.AllowPartial))
        {
            cancel.ThrowIfCancellationRequested();
            writer.Commit(CreateManifest(plan, shards, writer, outcome, warnings, started), plan.Metastore.Metadata);
            result = result with { Timestamp = writer.Timestamp, ManifestPath = writer.ManifestPath };
        }
        else
        {
            logger.LogError("{Count} of {Total} shards failed; no backup was kept.", result.FailedShardCount, shards.Count);
        }

        return result with { Duration = clock.Elapsed };
    }

    /// <summary>Every shard of the plan that still exists must be there; that there was none is complete as well.</summary>
    private static Outcome Judge(IReadOnlyList<ShardResult> shards) =>
        shards.All(s => s.Outcome != ShardOutcome.Failed) ? Outcome.Complete
        : shards.Any(s => s.Outcome == ShardOutcome.Complete) ? Outcome.Partial
        : Outcome.Failed;

    private static IEnumerable<string> WarningsOf(IReadOnlyList<ShardResult> shards) =>
        shards.SelectMany(s => s.Warnings)
            .Concat(shards.Where(s => s.SkipReason == SkipReason.Dropped).Select(s => $"{s.Shard} was {s.Reason} and is not in the backup."));

    /// <summary>About the length of the tar stream: a header and padding for each file, and the trailer.</summary>
    private static long? ExpectedBytes(IReadOnlyDictionary<ulong, ShardStatistics>? statistics, ulong id) =>
        statistics is not null && statistics.TryGetValue(id, out var shard)
            ? shard.DiskBytes + (shard.TsmFiles * (TarScanner.BlockSize * 3 / 2)) + TarScanner.TrailerSize
            : null;

    private BackupManifest CreateManifest(
        BackupPlan plan, IReadOnlyList<ShardResult> shards, PortableBackupWriter writer, Outcome outcome, IReadOnlyList<string> warnings, DateTime started)
    {
        var selection = options.Selection;
        return new BackupManifest
        {
            Meta = new ManifestMeta { FileName = "" }, // Filled in when the file is written.
            Limited = !selection.IsEverything || options.Since is not null || plan.Elsewhere.Count > 0 || outcome != Outcome.Complete,
            Database = selection.Databases.Count == 1 ? selection.Databases[0] : null,
            RetentionPolicy = selection.RetentionPolicies.Count == 1 ? selection.RetentionPolicies[0] : null,
            ShardId = selection.ShardIds.Count == 1 ? selection.ShardIds[0] : 0,
            Files = shards.Where(s => s.Outcome == ShardOutcome.Complete).Select(s => Describe(s, plan, writer)).ToList(),
            Run = new ManifestRun
            {
                ToolVersion = ToolVersion.Current,
                Source = plan.DataNode,
                ServerVersion = plan.ServerVersion,
                StartedAt = started,
                CompletedAt = DateTime.UtcNow,
                Options = DescribeOptions(),
                Outcome = outcome,
                Warnings = warnings,
                Since = options.Since?.UtcDateTime,
                MissingShards = shards.Where(s => s.Outcome != ShardOutcome.Complete).Select(s => new ManifestMissingShard
                {
                    Database = s.Shard.Database,
                    RetentionPolicy = s.Shard.RetentionPolicy,
                    ShardId = s.Shard.Id,
                    Outcome = s.Outcome,
                    Reason = s.Reason ?? s.Error?.Message ?? "",
                }).Concat(plan.Elsewhere.Select(s => new ManifestMissingShard
                {
                    Database = s.Key.Database,
                    RetentionPolicy = s.Key.RetentionPolicy,
                    ShardId = s.Key.Id,
                    Outcome = ShardOutcome.Skipped,
                    Reason = "on other nodes of the cluster only",
                })).ToList(),
            },
        };
    }

    private static ManifestShard Describe(ShardResult shard, BackupPlan plan, PortableBackupWriter writer)
    {
        var description = plan.Metadata.FindShard(shard.Shard.Id)!;
        return writer.Describe(shard) with
        {
            StartTime = ShardTime.ToDateTime(description.Start),
            EndTime = ShardTime.ToDateTime(description.End),
        };
    }

    private Dictionary<string, string> DescribeOptions()
    {
        var described = new Dictionary<string, string>();
        Add("database", options.Selection.Databases);
        Add("retentionPolicy", options.Selection.RetentionPolicies);
        Add("shardId", options.Selection.ShardIds);
        Add("start", Optional(options.Selection.Start));
        Add("end", Optional(options.Selection.End));
        Add("since", Optional(options.Since));
        described["compressionLevel"] = options.CompressionLevel.ToString();
        described["allowPartial"] = options.AllowPartial ? "true" : "false";
        return described;

        static IReadOnlyList<string> Optional(DateTimeOffset? time) => time is { } given ? [given.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)] : [];

        void Add<T>(string name, IReadOnlyList<T> values)
        {
            if (values.Count > 0)
            {
                described[name] = string.Join(", ", values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)));
            }
        }
    }
}
