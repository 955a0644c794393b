using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Checks;

/// <summary>What manifest, metadata and directory say of each other.</summary>
public sealed class BackupCheckTests : IDisposable
{
    private readonly TestedSet set = new();

    public void Dispose() => set.Dispose();

    [Fact]
    public async Task A_sound_backup_has_no_findings()
    {
        await set.MakeAsync((7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)));

        var result = await set.TestAsync();
        Assert.Empty(result.Findings);
        Assert.Equal((2, 2, 2L, 4L), (result.ShardCount, result.DeepShardCount, result.TsmFiles, result.Points));
    }

    [Fact]
    public async Task Files_that_no_manifest_lists_are_named_by_the_test_of_their_backup_or_of_the_set()
    {
        var timestamp = await set.MakeAsync((7, TestedSet.Sound(7)));
        foreach (var name in new[] { timestamp + ".s9.tar.gz", "20200101T000000Z.s1.tar.gz", "20300101T000000Z.meta.partial", ".hidden" })
        {
            File.WriteAllText(set[name], "x");
        }

        var whole = await set.TestAsync();
        Assert.Equal([timestamp + ".s9.tar.gz", "20200101T000000Z.s1.tar.gz", "20300101T000000Z.meta.partial"], whole.Findings.Select(f => Path.GetFileName(f.File)));
        Assert.All(whole.Findings, f => Assert.Equal(("FileNotListed", FindingSeverity.Warning), (f.Check, f.Severity)));
        Assert.Contains("did not finish", whole.Findings[2].Message, StringComparison.Ordinal);
        Assert.True(whole.IsSound);

        var one = await set.TestAsync(o => o with { Timestamp = timestamp });
        Assert.Equal([timestamp + ".s9.tar.gz"], one.Findings.Select(f => Path.GetFileName(f.File)));
    }

    [Fact]
    public async Task Files_of_another_backup_with_a_damaged_manifest_are_not_called_unlisted()
    {
        await set.MakeAsync((7, TestedSet.Sound(7)));
        File.WriteAllText(set["20200101T000000Z.manifest"], "{");
        File.WriteAllText(set["20200101T000000Z.s1.tar.gz"], "x");

        Assert.Empty((await set.TestAsync()).Findings);
    }

    [Fact]
    public async Task A_shard_of_the_metadata_that_the_backup_lacks_is_a_warning_unless_it_says_why()
    {
        var shards = new[] { (7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)) };
        set.Put(null, m => m with { Files = m.Files!.Take(1).ToList() }, shards);
        File.Delete(set[PortableBackupWriter.ArchiveName(Sets.Time1, 8)]);
        var finding = Assert.Single((await set.TestAsync()).Findings);
        Assert.Equal(("ShardNotInBackup", FindingSeverity.Warning, 8ul, "db"), (finding.Check, finding.Severity, finding.ShardId!.Value, finding.Database));
        Assert.NotNull(finding.StartTime);
        Assert.Empty((await set.TestAsync(o => o with { Selection = new ShardSelection { ShardIds = [7] } })).Findings);

        foreach (var says in new Func<BackupManifest, BackupManifest>[]
        {
            m => m with { Limited = true },
            m => m with { Run = new ManifestRun { MissingShards = [new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = 8, Outcome = ShardOutcome.Skipped }] } },
        })
        {
            set.Put(null, m => says(m) with { Files = m.Files!.Take(1).ToList() }, shards);
            File.Delete(set[PortableBackupWriter.ArchiveName(Sets.Time1, 8)]);
            Assert.Empty((await set.TestAsync()).Findings);
        }
    }

    [Fact]
    public async Task A_shard_that_the_run_itself_lacked_is_an_error()
    {
        set.Put(
            null,
            m => m with { Run = new ManifestRun { MissingShards = [new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = 9, Outcome = ShardOutcome.Failed, Reason = "gone" }] } },
            (7, TestedSet.Sound(7)));

        var result = await set.TestAsync();
        Assert.Equal(("BackupIsPartial", 9ul), (Assert.Single(result.Findings).Check, result.Findings[0].ShardId!.Value));
        Assert.Equal((Outcome.Partial, 1, 1), (result.Outcome, result.ShardCount, result.FailedShardCount));
    }

    [Fact]
    public async Task A_shard_left_to_an_earlier_backup_that_is_gone_is_an_error()
    {
        var earlier = await set.MakeAsync((7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)));
        var later = await set.MakeAsync((7, TestedSet.Sound(7)));
        var path = set[later + ManifestFile.Suffix];
        var manifest = ManifestFile.Read(path);
        var unchanged = new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = 8, Outcome = ShardOutcome.Skipped, UnchangedSince = earlier };
        File.WriteAllBytes(path, ManifestFile.ToBytes(manifest with { Run = new ManifestRun { Strategy = BackupStrategy.Incremental, MissingShards = [unchanged] } }));
        Assert.Empty((await set.TestAsync(o => o with { Timestamp = later })).Findings);

        foreach (var file in Directory.GetFiles(set.Path, earlier + ".*"))
        {
            File.Delete(file);
        }

        var finding = Assert.Single((await set.TestAsync(o => o with { Timestamp = later })).Findings);
        Assert.Equal(("EarlierBackupMissing", FindingSeverity.Error, 8ul), (finding.Check, finding.Severity, finding.ShardId!.Value));
        Assert.Contains(earlier, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_that_the_metadata_do_not_know_is_an_error_and_the_other_shards_are_tested()
    {
        set.Put(_ => Sets.Metadata(Sets.Key(7)), null, (7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)));

        var result = await set.TestAsync();
        var finding = Assert.Single(result.Findings);
        Assert.Equal(("ShardUnknown", 8ul, FindingSeverity.Error), (finding.Check, finding.ShardId!.Value, finding.Severity));
        Assert.Equal((Outcome.Partial, 1, 1), (result.Outcome, result.ShardCount, result.FailedShardCount));
    }

    [Fact]
    public async Task An_id_that_the_metadata_give_twice_is_an_error()
    {
        set.Put(d => { d.Databases[0].RetentionPolicies[0].ShardGroups[1].Shards[0].ID = 7; return d; }, m => m with { Files = m.Files!.Take(1).ToList() }, (7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)));

        Assert.Contains((await set.TestAsync()).Findings, f => f is { Check: "ShardIdTwice", ShardId: 7, Severity: FindingSeverity.Error });
    }

    [Fact]
    public async Task A_shard_outside_of_what_the_backup_says_it_was_limited_to_is_a_warning()
    {
        set.Put(null, m => m with { Limited = true, Database = "db", RetentionPolicy = "rp", ShardId = 7 }, (7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)));

        var finding = Assert.Single((await set.TestAsync()).Findings);
        Assert.Equal(("OutsideLimit", 8ul, FindingSeverity.Warning), (finding.Check, finding.ShardId!.Value, finding.Severity));
    }
}
