using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>
/// Decides what a restore will do. Everything that can be known beforehand is found out here: which databases and shards are
/// meant, whether every archive is sound, whether the names are free. The target is only read.
/// </summary>
internal sealed class RestorePlanner(RestoreOptions options, IRestoreTarget target)
{
    private readonly RestoreFindings findings = new(options.AllowPartial);

    public async Task<RestorePlan> PlanAsync(CancellationToken cancel)
    {
        var point = RestorePointFinder.Find(options.Path, options.Timestamp, options.Combine, findings.Warnings);
        var backup = point.Newest;
        findings.Warnings.AddRange(backup.MetadataWarnings);
        var databases = ChooseDatabases(point);
        CheckNewNames(databases);
        var shards = options.MetadataOnly || IsMetadataOnly(backup) ? [] : ChooseShards(point, databases);
        if (!options.MetadataOnly && !IsMetadataOnly(backup))
        {
            CheckMissing(point, databases);
            WarnOfGaps(point, databases);
        }

        var metadata = CreateMetadata(point, databases, shards.Select(s => s.Key.Id).ToHashSet());
        await target.ExamineAsync(metadata, findings, cancel).ConfigureAwait(false);

        var planned = await CheckArchivesAsync(shards, cancel).ConfigureAwait(false);
        RestoreMetadata.RemoveShards(metadata, planned.Where(s => s.Problem is not null).Select(s => s.Source.Id).ToHashSet());
        WarnOfExpiry(metadata);
        return new RestorePlan
        {
            Path = backup.Directory,
            Timestamp = backup.Timestamp,
            Target = options.Server.Name,
            DataNode = (options.Server as ServerAccess)?.DataNode.ToString(),
            MetaNode = options.Server is ClusterAccess cluster ? string.Join(", ", cluster.MetaNodes) : null,
            RestorePoint = point,
            Names = new RestoreNames(databases, options.Selection.RetentionPolicies, options.NewDatabase, options.NewRetentionPolicy),
            IsWhole = options.Selection.IsEverything,
            IsResumed = options.Resume,
            Metadata = metadata,
            Shards = planned,
            Conflicts = findings.Conflicts,
            Warnings = findings.Warnings,
        };
    }

    private Data CreateMetadata(RestorePoint point, List<string> databases, IReadOnlySet<ulong> shards)
    {
        var metadata = RestoreMetadata.Create(
            point.Metadata, databases, options.Selection.RetentionPolicies, shards, options.NewDatabase, options.NewRetentionPolicy);
        if (options.NewDuration is { } duration)
        {
            RestoreMetadata.SetDuration(metadata, duration);
        }

        if (options.NewReplicationFactor is { } factor)
        {
            RestoreMetadata.SetReplication(metadata, factor);
        }

        return metadata;
    }

    /// <summary>A backup that was made of metadata alone. One whose manifest lists no file for another reason has no shards either.</summary>
    private static bool IsMetadataOnly(PortableBackup backup) => backup.Manifest.Files is null or [] && backup.Manifest.Run is not { MissingShards.Count: > 0 };

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
            findings.Warnings.Add($"The backup seems to be of a part of its server; databases that it holds nothing of are not created: {string.Join(", ", left)}. Name one to create it empty.");
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
            findings.Report(new InfluxBackupException("BackupIsPartial", ErrorKind.InvalidData, text)
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
            findings.Warnings.Add($"The metadata know shards of which there is no archive, and which are not restored: {string.Join(", ", gaps.Take(Most))}{more}.");
        }

        foreach (var (key, stored) in point.Shards.Where(s => databases.Contains(s.Key.Database) && missing.Any(m => m.Outcome == ShardOutcome.Failed && m.ShardId == s.Key.Id)))
        {
            findings.Warnings.Add($"{key} failed in backup {point.Newest.Timestamp}; what is restored of it is from backup {stored.Backup.Timestamp}.");
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
        findings.Warnings.AddRange(result.Warnings);
        if (problem is not null)
        {
            findings.Report(problem);
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

    /// <summary>The server removes expired shard groups at its next retention check, within half an hour.</summary>
    private void WarnOfExpiry(Data metadata)
    {
        var now = (Int128)ShardTime.FromDateTime(DateTimeOffset.UtcNow);
        foreach (var (database, policy) in metadata.Databases.SelectMany(d => d.RetentionPolicies.Select(p => (d, p))).Where(x => x.p.Duration > 0))
        {
            var expired = policy.ShardGroups.Count(g => (Int128)g.EndTime + policy.Duration < now);
            if (expired > 0)
            {
                findings.Warnings.Add($"{expired} shard groups of {database.Name}.{policy.Name} are older than the policy's duration: the server will delete them soon after the restore. To keep them, restore with -NewDuration INF (--new-duration).");
            }
        }
    }

    private sealed record StoredShardOf(ShardKey Key, StoredShard Stored);
}
