using System.Diagnostics;
using System.Runtime.CompilerServices;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Tests the backups of a set: manifests, metadata, every archive to its last byte, and every TSM file in it.</summary>
public sealed class TestOperation(TestOptions options)
{
    private const string MissingShard = "BackupIsPartial";

    /// <summary>One result for each backup, newest first. What is wrong is a finding, not an exception.</summary>
    /// <exception cref="InfluxBackupException">There is no such set or backup at all.</exception>
    public async IAsyncEnumerable<TestResult> RunAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var set = BackupSet.Open(options.Path);
        var paths = set.ManifestPaths();
        if (options.Timestamp is { } timestamp)
        {
            paths = paths.Where(p => string.Equals(Path.GetFileNameWithoutExtension(p), timestamp, StringComparison.OrdinalIgnoreCase)).ToList();
        }

        if (paths.Count == 0)
        {
            _ = set.Find(options.Timestamp); // Throws, and says what there is.
        }

        foreach (var path in paths)
        {
            yield return await TestAsync(path, cancel).ConfigureAwait(false);
        }
    }

    private async Task<TestResult> TestAsync(string manifestPath, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var findings = new List<TestFinding>();
        IReadOnlyList<ShardResult> shards = [];
        try
        {
            var backup = PortableBackup.Open(manifestPath);
            findings.AddRange(backup.MetadataWarnings.Select(w => Warn("MetadataWarning", backup.MetadataPath, null, w)));
            CheckRun(backup, findings);
            shards = await TestShardsAsync(backup, findings, cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e) when (e.Kind is not (ErrorKind.NotFound or ErrorKind.InvalidArgument))
        {
            findings.Add(new TestFinding(FindingSeverity.Error, e.Id, e.Subject ?? manifestPath, null, null, null, e.Message));
        }

        // A shard that the run itself could not get is as bad as one whose archive is damaged.
        var missing = findings.Count(f => f.Check == MissingShard);
        var failed = shards.Count(s => s.Outcome == ShardOutcome.Failed) + missing;
        var isBad = findings.Any(f => f.Severity == FindingSeverity.Error);
        return new TestResult
        {
            Path = Path.GetDirectoryName(manifestPath)!,
            Timestamp = Path.GetFileNameWithoutExtension(manifestPath),
            Outcome = !isBad ? Outcome.Complete : failed > 0 && failed < shards.Count + missing ? Outcome.Partial : Outcome.Failed,
            Findings = findings,
            ShardCount = shards.Count + missing - failed,
            FailedShardCount = failed,
            Bytes = shards.Sum(s => s.Archive?.Length ?? 0),
            Duration = clock.Elapsed,
        };
    }

    private async Task<IReadOnlyList<ShardResult>> TestShardsAsync(PortableBackup backup, List<TestFinding> findings, CancellationToken cancel)
    {
        options.Selection.Validate(backup.Metadata, $"backup {backup.Timestamp}");
        var chosen = options.Selection.IsEverything ? null : options.Selection.Choose(backup.Metadata, $"backup {backup.Timestamp}").Select(s => s.Key).ToHashSet();
        var stored = backup.Shards().Where(s => chosen is null || chosen.Contains(s.Key)).ToDictionary(s => s.Key, s => new StoredShard(backup, s.Entry));
        var tasks = stored.Select(s => new ShardTask(s.Key, s.Value.Entry.Size)).ToList();
        var transfer = new ShardTransfer(options.Transfer with { MaxAttempts = 1, Logger = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance });
        var results = await transfer.RunAsync(tasks, new PortableShardSource(stored), new TsmCheckSink(), cancel).ConfigureAwait(false);
        foreach (var result in results)
        {
            var path = stored[result.Shard].Path;
            findings.AddRange(result.Warnings.Select(w => Warn("ArchiveWarning", path, result.Shard, w)));
            if (result.Error is { } error)
            {
                findings.Add(new TestFinding(
                    FindingSeverity.Error, error.Id, path, result.Shard.Database, result.Shard.RetentionPolicy, result.Shard.Id, error.Message));
            }
        }

        return results;
    }

    /// <summary>What the backup says of itself.</summary>
    private static void CheckRun(PortableBackup backup, List<TestFinding> findings)
    {
        foreach (var missing in (backup.Manifest.Run?.MissingShards ?? []).Where(m => m.Outcome == ShardOutcome.Failed))
        {
            findings.Add(new TestFinding(
                FindingSeverity.Error, MissingShard, backup.ManifestPath, missing.Database, missing.RetentionPolicy, missing.ShardId, $"Shard {missing.ShardId} is not in the backup: {missing.Reason}"));
        }
    }

    private static TestFinding Warn(string check, string file, ShardKey? shard, string message) =>
        new(FindingSeverity.Warning, check, file, shard?.Database, shard?.RetentionPolicy, shard?.Id, message);
}
