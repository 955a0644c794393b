using System.Diagnostics;
using System.Runtime.CompilerServices;
using InfluxBackup.BackupSets;
using InfluxBackup.Operations.Checks;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Tests the backups of a set: manifests, metadata, every archive to its last byte, and every TSM file in it.</summary>
public sealed class TestOperation(TestOptions options)
{
    /// <summary>One result for each backup, newest first. What is wrong is a finding, not an exception.</summary>
    /// <exception cref="InfluxBackupException">There is no such set or backup at all, or no room for temporary files.</exception>
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

        var files = SetFiles.Read(set);
        foreach (var path in paths)
        {
            yield return await TestAsync(path, files, answersForSet: options.Timestamp is null && path == paths[0], cancel).ConfigureAwait(false);
        }
    }

    private async Task<TestResult> TestAsync(string manifestPath, SetFiles files, bool answersForSet, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var tested = new List<TestedShard>();
        BackupUnderTest? test = null;
        Findings? broken = null;
        try
        {
            var backup = PortableBackup.Open(manifestPath);
            options.Selection.Validate(backup.Metadata, $"backup {backup.Timestamp}");
            test = new BackupUnderTest(backup, files, options.Selection, answersForSet);
            FindShards(test);
            foreach (var check in BackupChecks.OfBackup)
            {
                check.Run(test);
            }
        }
        catch (InfluxBackupException e) when (e.Kind is not (ErrorKind.NotFound or ErrorKind.InvalidArgument))
        {
            broken = new Findings(e.Subject ?? manifestPath);
            broken.Add(broken.Error(e.Id, e.Message) with { Offset = e.Offset });
        }

        if (test is not null && broken is null)
        {
            tested.AddRange(await new ShardTests(options, test).RunAsync(cancel).ConfigureAwait(false));
        }

        var findings = (IReadOnlyList<TestFinding>)[.. broken?.ToList() ?? [], .. test?.Findings.ToList() ?? [], .. tested.SelectMany(s => s.Findings)];
        // A shard that the run itself could not get is as bad as one whose archive is damaged.
        var missing = (test?.Manifest.Run?.MissingShards ?? []).Count(m => m.Outcome == ShardOutcome.Failed);
        var failed = tested.Count(s => !s.IsSound) + missing + (test?.UnknownShards ?? 0);
        var sound = tested.Count(s => s.IsSound);
        var isBad = findings.Any(f => f.Severity == FindingSeverity.Error);
        return new TestResult
        {
            Path = Path.GetDirectoryName(manifestPath)!,
            Timestamp = Path.GetFileNameWithoutExtension(manifestPath),
            Outcome = !isBad ? Outcome.Complete : failed > 0 && sound > 0 ? Outcome.Partial : Outcome.Failed,
            Findings = findings,
            ShardCount = sound,
            FailedShardCount = failed,
            DeepShardCount = tested.Count(s => s.IsDeep),
            Bytes = tested.Sum(s => s.Bytes),
            TsmFiles = tested.Sum(s => s.TsmFiles),
            Points = tested.Sum(s => s.Points),
            Duration = clock.Elapsed,
        };
    }

    /// <summary>An entry that is no shard's is an error by itself; the others are tested.</summary>
    private static void FindShards(BackupUnderTest test)
    {
        foreach (var entry in test.Manifest.Files ?? [])
        {
            try
            {
                var key = test.Backup.KeyOf(entry);
                if (test.IsChosen(key))
                {
                    test.Shards.Add(key, new StoredShard(test.Backup, entry));
                }
            }
            catch (InfluxBackupException e)
            {
                test.UnknownShards++;
                var finding = test.Findings.Error(e.Id, e.Message);
                test.Findings.Add(finding with { Database = entry.Database, RetentionPolicy = entry.RetentionPolicy, ShardId = entry.ShardId });
            }
        }
    }
}
