using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>
/// Decides what a restore will do. Everything that can be known beforehand is found out here: which databases and shards are
/// meant, whether every archive is sound, whether the names are free. The server is only read.
/// </summary>
internal sealed class RestorePlanner(RestoreOptions options, ServerAccess server, SnapshotterClient client)
{
    private readonly List<InfluxBackupException> conflicts = [];
    private readonly List<string> warnings = [];

    public async Task<RestorePlan> PlanAsync(CancellationToken cancel)
    {
        var point = FindRestorePoint();
        var backup = point.Newest;
        warnings.AddRange(backup.MetadataWarnings);
        var databases = ChooseDatabases(point);
        CheckNewNames(databases);
        var shards = ChooseShards(point, databases);
        CheckMissing(point, databases);
        WarnOfGaps(point, databases);

        var target = ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, $"data node {client.Address}");
        CheckTarget(target, databases);
        if (server.CreateHttpClient() is { } http)
        {
            // An address or credential that is wrong shows now, not after the data.
            using (http)
            {
                _ = await http.ReadUserNamesAsync(cancel).ConfigureAwait(false);
            }
        }

        var planned = await CheckArchivesAsync(shards, cancel).ConfigureAwait(false);
        var sound = planned.Where(s => s.Problem is null).Select(s => s.Source.Id).ToHashSet();
        var metadata = RestoreMetadata.Create(
            point.Metadata, databases, options.Selection.RetentionPolicies, sound, options.NewDatabase, options.NewRetentionPolicy);
        WarnOfExpiry(metadata);
        return new RestorePlan
        {
            Path = backup.Directory,
            Timestamp = backup.Timestamp,
            DataNode = client.Address.ToString(),
            RestorePoint = point,
            Metadata = metadata,
            Shards = planned,
            Conflicts = conflicts,
            Warnings = warnings,
        };
    }

    private RestorePoint FindRestorePoint()
    {
        var set = BackupSet.Open(options.Path);
        if (options.Combine)
        {
            return RestorePoint.Combine(set, options.Timestamp);
        }

        var backup = set.Find(options.Timestamp);
        if (options.Timestamp is null && backup.Manifest.Run?.Since is { } since)
        {
            throw new InfluxBackupException(
                "BackupIsIncremental", ErrorKind.InvalidArgument, $"The newest backup in '{set.Directory}', {backup.Timestamp}, holds only the shards that changed since {since:yyyy-MM-dd'T'HH:mm:ss'Z'}.")
            {
                Subject = backup.Timestamp,
                Remedy = "Restore the combination of the set with -Combine (--combine), or this backup alone by naming its -Timestamp (--timestamp).",
            };
        }

        if (backup.Manifest.Run?.Since is { } only)
        {
            warnings.Add($"Backup {backup.Timestamp} holds only the shards that changed since {only:yyyy-MM-dd'T'HH:mm:ss'Z'}; the others are not restored. -Combine (--combine) restores them from earlier backups of the set.");
        }

        return RestorePoint.Of(backup);
    }

    /// <summary>
    /// The databases named; or those of the shards named; or all but <c>_internal</c>. A backup that was limited to a part of
    /// the server still has the metadata of the whole: databases that it holds nothing of are then not created.
    /// </summary>
    private List<string> ChooseDatabases(RestorePoint point)
    {
        var selection = options.Selection;
        selection.Validate(point.Metadata, $"backup {point.Newest.Timestamp}");
        if (selection.Databases.Count > 0)
        {
            return selection.Databases.Distinct().ToList();
        }

        var inBackup = point.Shards.Keys.Select(s => s.Database).ToHashSet();
        if (selection.ShardIds.Count > 0)
        {
            return selection.ShardIds.Select(id => point.Metadata.FindShard(id)!.Key.Database).Distinct().ToList();
        }

        var all = point.Metadata.Databases.Select(d => d.Name).Where(n => n != RestoreMetadata.InternalDatabase).ToList();
        var withShards = point.Metadata.Shards.Where(s => !s.IsDeleted).Select(s => s.Key.Database).ToHashSet();
        var isLimited = options.Combine is false && IsLimited(point, all, withShards, inBackup);
        if (!isLimited)
        {
            return all;
        }

        var left = all.Where(n => !inBackup.Contains(n)).ToList();
        if (left.Count > 0 && point.Newest.Manifest.Run is null)
        {
            warnings.Add($"The backup seems to be of a part of its server; databases that it holds nothing of are not created: {string.Join(", ", left)}. Name one to create it empty.");
        }

        return all.Where(inBackup.Contains).ToList();
    }

    private static bool IsLimited(RestorePoint point, List<string> all, HashSet<string> withShards, HashSet<string> inBackup) =>
        point.Newest.Manifest.Run is { } run
            ? run.Options.Keys.Any(k => k is "database" or "retentionPolicy" or "shardId" or "start" or "end")
            : point.Newest.Manifest.Limited || all.Any(n => withShards.Contains(n) && !inBackup.Contains(n));

    private void CheckNewNames(List<string> databases)
    {
        if (options.NewDatabase is { } name)
        {
            DatabaseName.Check(name, "database");
            if (databases.Count != 1)
            {
                throw new InfluxBackupException(
                    "DatabaseRequired", ErrorKind.InvalidArgument, $"A new name can be given to one database only; this restore has {databases.Count}: {string.Join(", ", databases)}.")
                {
                    Remedy = "Name the one with -Database (--database).",
                };
            }
        }

        if (options.NewRetentionPolicy is { } policy)
        {
            DatabaseName.Check(policy, "retention policy");
            if (options.Selection.RetentionPolicies.Count != 1)
            {
                throw new InfluxBackupException("RetentionPolicyRequired", ErrorKind.InvalidArgument, "A new name can be given to one retention policy only.")
                {
                    Remedy = "Name it with -RetentionPolicy (--retention-policy), and its database.",
                };
            }
        }
    }

    private List<StoredShardOf> ChooseShards(RestorePoint point, List<string> databases)
    {
        var chosen = options.Selection.Choose(point.Metadata, $"backup {point.Newest.Timestamp}")
            .Where(s => databases.Contains(s.Key.Database))
            .ToList();
        foreach (var id in options.Selection.ShardIds.Where(id => point.Shards.Keys.All(s => s.Id != id)))
        {
            throw new InfluxBackupException("ShardNotInBackup", ErrorKind.NotFound, $"Shard {id} is known to backup {point.Newest.Timestamp}, but its archive is not part of it.")
            {
                Subject = id.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Remedy = "Get-InfluxShard -Path (influxbackup shards --path) lists the shards of a backup; -Combine may find it in another backup of the set.",
            };
        }

        return chosen.Where(s => point.Shards.ContainsKey(s.Key)).Select(s => new StoredShardOf(s.Key, point.Shards[s.Key])).ToList();
    }

    /// <summary>A backup that says of itself that shards are missing is not restored as if it were whole.</summary>
    private void CheckMissing(RestorePoint point, List<string> databases)
    {
        var missing = (point.Newest.Manifest.Run?.MissingShards ?? [])
            .Where(m => m.Outcome == ShardOutcome.Failed && databases.Contains(m.Database))
            .Where(m => options.Selection.RetentionPolicies.Count == 0 || options.Selection.RetentionPolicies.Contains(m.RetentionPolicy))
            .Where(m => options.Selection.ShardIds.Count == 0)
            .Where(m => !point.Shards.Keys.Any(s => s.Id == m.ShardId))
            .ToList();
        if (missing.Count > 0)
        {
            var text = $"Backup {point.Newest.Timestamp} is partial: it lacks the shards {string.Join(", ", missing.Select(m => $"{m.ShardId} ({m.Database}.{m.RetentionPolicy})"))}.";
            Report(new InfluxBackupException("BackupIsPartial", ErrorKind.InvalidData, text)
            {
                Subject = point.Newest.Timestamp,
                Remedy = "Restore what it has with -AllowPartial (--allow-partial), or use another backup.",
            });
        }
    }

    /// <summary>What the metadata know and the archives lack without a word in the manifest, or have of an earlier time only.</summary>
    private void WarnOfGaps(RestorePoint point, List<string> databases)
    {
        const int Most = 20;
        var run = point.Newest.Manifest.Run;
        var missing = run?.MissingShards ?? [];
        var told = missing.Where(m => m.Outcome == ShardOutcome.Failed || run!.Since is null).Select(m => m.ShardId).ToHashSet();
        var gaps = options.Selection.Choose(point.Metadata, $"backup {point.Newest.Timestamp}").Select(s => s.Key)
            .Where(s => databases.Contains(s.Database) && !point.Shards.ContainsKey(s) && !told.Contains(s.Id))
            .ToList();
        if (gaps.Count > 0)
        {
            var more = gaps.Count > Most ? $" and {gaps.Count - Most} more" : "";
            warnings.Add($"The metadata know shards of which there is no archive, and which are not restored: {string.Join(", ", gaps.Take(Most))}{more}.");
        }

        foreach (var (key, stored) in point.Shards.Where(s => databases.Contains(s.Key.Database) && missing.Any(m => m.Outcome == ShardOutcome.Failed && m.ShardId == s.Key.Id)))
        {
            warnings.Add($"{key} failed in backup {point.Newest.Timestamp}; what is restored of it is from backup {stored.Backup.Timestamp}.");
        }
    }

    private void CheckTarget(ServerMetadata target, List<string> databases)
    {
        if (target.Data.DataNodes.Count > 0 || target.Data.MetaNodes.Count > 0)
        {
            conflicts.Add(new InfluxBackupException(
                "TargetIsCluster", ErrorKind.Unsupported, $"{client.Address} is a node of a cluster. A metadata import there would replace the metadata of the whole cluster, and queries would not see the data.")
            {
                Subject = client.Address.ToString(),
                Remedy = "Restore to a single server.",
            });
        }

        foreach (var name in databases.Select(d => options.NewDatabase ?? d).Where(n => target.FindDatabase(n) is not null))
        {
            conflicts.Add(MetadataImport.DatabaseExists(name, client.Address));
        }
    }

    private async Task<List<PlannedRestoreShard>> CheckArchivesAsync(List<StoredShardOf> shards, CancellationToken cancel)
    {
        var source = new PortableShardSource(shards.ToDictionary(s => s.Key, s => s.Stored), StoredHashes.One);
        var tasks = shards.Select(s => new ShardTask(s.Key, s.Stored.Entry.Size)).ToList();
        var checkedOnly = options.Transfer with { MaxAttempts = 1, Progress = null, Logger = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance };
        var deletes = new TombstoneCountSink(options.Logger);
        var results = await new ShardTransfer(checkedOnly).RunAsync(tasks, source, deletes, cancel).ConfigureAwait(false);
        return shards.Zip(results).Select(pair => Plan(pair.First, pair.Second) with { PendingDeletes = deletes.CountOf(pair.First.Key) }).ToList();
    }

    private PlannedRestoreShard Plan(StoredShardOf shard, ShardResult result)
    {
        var problem = result.Error ?? FindProblem(shard, result.Archive!);
        warnings.AddRange(result.Warnings);
        if (problem is not null)
        {
            Report(problem);
        }

        return new PlannedRestoreShard(
            shard.Key, options.NewDatabase ?? shard.Key.Database, options.NewRetentionPolicy ?? shard.Key.RetentionPolicy, shard.Stored, result.Archive, problem);
    }

    private static InfluxBackupException? FindProblem(StoredShardOf shard, ShardArchive archive)
    {
        var unsafeName = archive.Entries.Select(e => e.Name).FirstOrDefault(n => ShardFileName.IsTsm(n) && !ShardFileName.IsSafeTsmName(n));
        return unsafeName is null
            ? null
            : new InfluxBackupException(
                "TsmNameUnsafe", ErrorKind.InvalidData, $"The archive of {shard.Key} holds '{unsafeName}'. A TSM file of that name can close the shard for good and keep the server from starting.")
            {
                Subject = shard.Stored.Path,
                Remedy = "Names must be nine digits, a dash, nine digits and .tsm, with a generation up to 900000000.",
            };
    }

    /// <summary>What stops a restore, unless partial ones are allowed.</summary>
    private void Report(InfluxBackupException problem)
    {
        if (options.AllowPartial)
        {
            warnings.Add(problem.Message);
        }
        else
        {
            conflicts.Add(problem);
        }
    }

    /// <summary>The server removes expired shard groups at its next retention check, within half an hour.</summary>
    private void WarnOfExpiry(Data metadata)
    {
        var now = (Int128)ShardTime.FromDateTime(DateTimeOffset.UtcNow);
        foreach (var (database, policy) in metadata.Databases.SelectMany(d => d.RetentionPolicies.Select(p => (d, p))).Where(x => x.p.Duration > 0))
        {
            var expired = policy.ShardGroups.Count(g => (Int128)g.EndTime + policy.Duration < now);
            if (expired > 0)
            {
                warnings.Add($"{expired} shard groups of {database.Name}.{policy.Name} are older than the policy's duration: the server will delete them soon after the restore. To keep them, run ALTER RETENTION POLICY \"{policy.Name}\" ON \"{database.Name}\" DURATION INF at once.");
            }
        }
    }

    private sealed record StoredShardOf(ShardKey Key, StoredShard Stored);
}
