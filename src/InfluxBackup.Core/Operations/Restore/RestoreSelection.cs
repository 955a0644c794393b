using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>A shard of a backup and where its archive is.</summary>
internal sealed record ChosenShard(ShardKey Key, StoredShard Stored);

/// <summary>What of a backup is meant.</summary>
/// <param name="Point">The backup, or several of its set together.</param>
/// <param name="Databases">Its databases.</param>
/// <param name="Shards">Its shards; their archives have not been read.</param>
internal sealed record RestoreChoice(RestorePoint Point, IReadOnlyList<string> Databases, IReadOnlyList<ChosenShard> Shards);

/// <summary>Decides what of a backup a restore or a merge is about. Reads only the backup: its manifests and metadata.</summary>
internal sealed class RestoreSelection(RestoreOptions options, RestoreFindings findings)
{
    /// <summary>Chooses; what speaks against it is in the findings.</summary>
    /// <exception cref="InfluxBackupException">Something named does not exist, or makes no sense together.</exception>
    public RestoreChoice Choose()
    {
        var point = RestorePointFinder.Find(options.Path, options.Timestamp, options.Combine, findings.Warnings);
        findings.Warnings.AddRange(point.Newest.MetadataWarnings);
        var databases = ChooseDatabases(point);
        CheckNewNames(databases);
        if (options.MetadataOnly || (!options.Combine && IsMetadataOnly(point.Newest)))
        {
            WarnOfOtherBackups(point.Newest);
            return new RestoreChoice(point, databases, []);
        }

        var shards = ChooseShards(point, databases);
        CheckMissing(point, databases);
        CheckChain(point, databases);
        WarnOfGaps(point, databases);
        return new RestoreChoice(point, databases, shards);
    }

    /// <summary>What is wrong with the names of a shard's files, if anything is.</summary>
    public static InfluxBackupException? FindUnsafeName(ChosenShard shard, ShardArchive archive)
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

    /// <summary>Where the newest backup of a set happens to be one of metadata, a restore without points may not be what was meant.</summary>
    private void WarnOfOtherBackups(PortableBackup backup)
    {
        if (!options.MetadataOnly && options.Timestamp is null && Directory.Exists(options.Path) && BackupSet.Open(backup.Directory).ManifestPaths().Count > 1)
        {
            findings.Warnings.Add($"Backup {backup.Timestamp}, the newest of the set, is of metadata alone: no shard is restored. -Combine (--combine) takes shards from the backups before it, -Timestamp (--timestamp) another backup.");
        }
    }

    /// <summary>
    /// A backup that was made of metadata alone. Ours say so; with others, and early ones of ours, it is one that lists no file. An
    /// incremental one without files is no such: all of it may be in the backups before.
    /// </summary>
    private static bool IsMetadataOnly(PortableBackup backup) => backup.Manifest.Run is { Strategy: { } strategy }
        ? strategy == BackupStrategy.MetadataOnly
        : backup.Manifest.Files is null or [] && backup.Manifest.Run is not { MissingShards.Count: > 0 };

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

    private List<ChosenShard> ChooseShards(RestorePoint point, List<string> databases)
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

        return chosen.Where(s => point.Shards.ContainsKey(s.Key)).Select(s => new ChosenShard(s.Key, point.Shards[s.Key])).ToList();
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

    /// <summary>
    /// An incremental backup relies on earlier ones of its set for what had not changed. Somebody may have removed them: what still earlier
    /// ones have is of another time.
    /// </summary>
    private void CheckChain(RestorePoint point, List<string> databases)
    {
        var wanted = options.Selection.Choose(point.Metadata, $"backup {point.Newest.Timestamp}").Select(s => s.Key).Where(s => databases.Contains(s.Database)).ToHashSet();
        var lost = point.Lost.Where(m => wanted.Contains(new ShardKey(m.Database, m.RetentionPolicy, m.ShardId))).ToList();
        if (lost.Count > 0)
        {
            var text = $"Backup {point.Newest.Timestamp} relies on backups of its set that are gone, {string.Join(", ", lost.Select(m => m.UnchangedSince).Distinct().Order(StringComparer.Ordinal))}, "
                + $"for the shards {string.Join(", ", lost.Select(m => $"{m.ShardId} ({m.Database}.{m.RetentionPolicy})"))}.";
            findings.Report(new InfluxBackupException("EarlierBackupMissing", ErrorKind.NotFound, text)
            {
                Subject = point.Newest.Timestamp,
                Remedy = "Put them back into the set, or restore what there is, of some shards perhaps an older state, with -AllowPartial (--allow-partial).",
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
}
