using System.Globalization;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Writes down in a manifest what a run was asked for and what it did.</summary>
internal sealed class BackupRecord(BackupOptions options, BackupPlan plan, IBackupOrigin origin)
{
    /// <summary>The manifest but for its metadata file, which is filled in when the file is written.</summary>
    public BackupManifest Write(BackupResult result, PortableBackupWriter writer)
    {
        var selection = options.Selection;
        var unchanged = plan.Unchanged.ToDictionary(u => u.Shard.Key, u => u.Timestamp);
        return new BackupManifest
        {
            Meta = new ManifestMeta { FileName = "" },
            Limited = !selection.IsEverything || options.Since is not null || plan.Elsewhere.Count > 0 || plan.Unchanged.Count > 0
                || plan.Strategy == BackupStrategy.MetadataOnly || result.Outcome != Outcome.Complete,
            Database = selection.Databases.Count == 1 ? selection.Databases[0] : null,
            RetentionPolicy = selection.RetentionPolicies.Count == 1 ? selection.RetentionPolicies[0] : null,
            ShardId = selection.ShardIds.Count == 1 ? selection.ShardIds[0] : 0,
            Files = result.Shards.Where(s => s.Outcome == ShardOutcome.Complete).Select(s => Describe(s, writer)).ToList(),
            Run = new ManifestRun
            {
                ToolVersion = ToolVersion.Current,
                Source = plan.Source,
                ServerVersion = plan.ServerVersion,
                StartedAt = result.StartTime,
                CompletedAt = DateTime.UtcNow,
                Options = DescribeOptions(),
                Outcome = result.Outcome,
                Strategy = plan.Strategy,
                Warnings = result.Warnings,
                Since = options.Since?.UtcDateTime,
                MissingShards = result.Shards.Where(s => s.Outcome != ShardOutcome.Complete)
                    .Select(s => Missing(s.Shard, s.Outcome, s.Reason ?? s.Error?.Message ?? "") with { UnchangedSince = unchanged.GetValueOrDefault(s.Shard) })
                    .Concat(plan.Elsewhere.Select(s => Missing(s.Key, ShardOutcome.Skipped, "on other nodes of the cluster only")))
                    .ToList(),
            },
        };
    }

    private ManifestShard Describe(ShardResult shard, PortableBackupWriter writer)
    {
        var description = plan.Metadata.FindShard(shard.Shard.Id)!;
        return origin.Describe(writer.Describe(shard), shard) with
        {
            StartTime = ShardTime.ToDateTime(description.Start),
            EndTime = ShardTime.ToDateTime(description.End),
        };
    }

    private static ManifestMissingShard Missing(ShardKey shard, ShardOutcome outcome, string reason) => new()
    {
        Database = shard.Database,
        RetentionPolicy = shard.RetentionPolicy,
        ShardId = shard.Id,
        Outcome = outcome,
        Reason = reason,
    };

    private Dictionary<string, string> DescribeOptions()
    {
        var described = new Dictionary<string, string>();
        Add("database", options.Selection.Databases);
        Add("retentionPolicy", options.Selection.RetentionPolicies);
        Add("shardId", options.Selection.ShardIds);
        Add("start", Optional(options.Selection.Start));
        Add("end", Optional(options.Selection.End));
        Add("since", Optional(options.Since));
        Add("from", options.From);
        described["strategy"] = plan.Strategy.ToString();
        described["compressionLevel"] = options.CompressionLevel.ToString();
        described["allowPartial"] = options.AllowPartial ? "true" : "false";
        if (options.AllOwners)
        {
            described["allOwners"] = "true";
        }

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
