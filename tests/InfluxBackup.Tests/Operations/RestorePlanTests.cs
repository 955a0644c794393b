using InfluxBackup.BackupSets;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Tests.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations;

/// <summary>What a backup lacks is said before anything is restored.</summary>
public sealed class RestorePlanTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string SetPath => directory["set"];

    public void Dispose() => directory.Dispose();

    /// <summary>The plan of a restore to an empty server.</summary>
    private async Task<RestorePlan> PlanAsync(bool combine = false)
    {
        Directory.CreateDirectory(directory["node"]);
        await using var node = await EmulatedDataNode.StartAsync(new EmulatedDataNodeOptions { Directory = directory["node"] });
        var server = new ServerAccess { DataNode = DataNodeAddress.Parse(node.Address) };
        return await new RestoreOperation(new RestoreOptions { Path = SetPath, Server = server, Combine = combine }).PlanAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Changes the newest manifest of the set.</summary>
    private void Change(Func<BackupManifest, BackupManifest> change)
    {
        var path = BackupSet.Open(SetPath).ManifestPaths()[0];
        File.WriteAllBytes(path, ManifestFile.ToBytes(change(ManifestFile.Read(path))));
    }

    private static ManifestRun Lacking(ManifestRun run, ulong id, ShardOutcome outcome) => run with
    {
        MissingShards = [new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = id, Outcome = outcome, Reason = "as planned" }],
    };

    [Fact]
    public async Task A_whole_backup_needs_no_warning()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2, 3);
        var plan = await PlanAsync();
        Assert.Empty(plan.Warnings);
        Assert.Empty(plan.Conflicts);
        Assert.Equal(3, plan.Shards.Count);
    }

    [Fact]
    public async Task Shards_that_the_metadata_know_and_the_manifest_leaves_out_without_a_word_are_named()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2, 3);
        Change(m => m with { Run = null, Files = m.Files!.Take(1).ToList() });
        var plan = await PlanAsync();
        Assert.Contains("no archive, and which are not restored: shard 2 (db.rp), shard 3 (db.rp).", Assert.Single(plan.Warnings), StringComparison.Ordinal);
        Assert.Single(plan.Shards);
    }

    [Fact]
    public async Task A_shard_that_was_dropped_while_the_backup_ran_is_no_gap()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Run = Lacking(m.Run!, 2, ShardOutcome.Skipped), Files = m.Files!.Take(1).ToList() });
        Assert.Empty((await PlanAsync()).Warnings);
    }

    [Fact]
    public async Task A_backup_that_lacks_a_failed_shard_is_not_restored_as_if_it_were_whole()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Run = Lacking(m.Run!, 2, ShardOutcome.Failed), Files = m.Files!.Take(1).ToList() });
        Assert.Equal("BackupIsPartial", Assert.Single((await PlanAsync()).Conflicts).Id);
    }

    [Fact]
    public async Task An_older_archive_in_place_of_one_that_failed_is_named()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Run = Lacking(m.Run!, 2, ShardOutcome.Failed), Files = m.Files!.Take(1).ToList() });
        var plan = await PlanAsync(combine: true);
        Assert.Equal("shard 2 (db.rp) failed in backup 20240102T120001Z; what is restored of it is from backup 20240102T120000Z.", Assert.Single(plan.Warnings));
        Assert.Equal(2, plan.Shards.Count);
    }

    [Fact]
    public async Task An_incremental_backup_is_restored_with_those_before_it()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Run = m.Run! with { Strategy = BackupStrategy.Incremental }, Files = m.Files!.Take(1).ToList() });

        var plan = await PlanAsync();

        Assert.Equal(["20240102T120001Z", "20240102T120000Z"], plan.Shards.Select(s => Path.GetFileName(s.ArchivePath).Split('.')[0]));
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public async Task An_incremental_backup_of_a_part_that_has_no_shards_is_not_one_of_metadata_alone()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Limited = true, Run = m.Run! with { Strategy = BackupStrategy.Incremental }, Files = [] });
        Assert.Equal(2, (await PlanAsync()).Shards.Count);
    }

    [Theory]
    [InlineData("20240102T120001Z", false)]
    [InlineData("20240102T120000Z", true)]
    public async Task An_incremental_backup_whose_predecessor_was_removed_is_not_restored_as_if_it_were_whole(string removed, bool isSound)
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with
        {
            Run = m.Run! with
            {
                Strategy = BackupStrategy.Incremental,
                MissingShards = [new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = 2, Outcome = ShardOutcome.Skipped, UnchangedSince = "20240102T120001Z" }],
            },
            Files = m.Files!.Take(1).ToList(),
        });
        foreach (var file in Directory.GetFiles(SetPath, removed + "*"))
        {
            File.Delete(file);
        }

        var plan = await PlanAsync();

        Assert.Equal(isSound ? null : "EarlierBackupMissing", plan.Conflicts.SingleOrDefault()?.Id);
    }

    [Fact]
    public async Task So_is_one_that_another_program_wrote_with_the_times_of_its_shards()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Run = null, Files = m.Files!.Take(1).Select(f => f with { LastModified = 5 }).ToList() });

        Assert.Equal(2, (await PlanAsync()).Shards.Count);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 2)]
    public async Task A_newest_backup_of_metadata_alone_restores_no_shard_unless_backups_are_combined_and_says_so(bool combine, int shards)
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Run = m.Run! with { Strategy = BackupStrategy.MetadataOnly }, Files = null });

        var plan = await PlanAsync(combine);

        Assert.Equal(shards, plan.Shards.Count);
        Assert.Equal(!combine, plan.Warnings.Any(w => w.Contains("metadata alone", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_manifest_names_its_backup()
    {
        await Sets.MakeAsync(SetPath, null, 1);
        await Sets.MakeAsync(SetPath, null, 1);
        var older = BackupSet.Open(SetPath).ManifestPaths()[1];

        var shard = Assert.Single(CatalogOperation.ReadRestorePoint(older, null, false, ShardSelection.Everything).Shards);
        Assert.Equal("20240102T120000Z", shard.Timestamp);
        var error = Assert.Throws<InfluxBackupException>(() => CatalogOperation.ReadRestorePoint(older, "20240102T120001Z", false, ShardSelection.Everything));
        Assert.Equal("TimestampInvalid", error.Id);
    }

    [Fact]
    public async Task A_backup_of_metadata_alone_creates_its_databases()
    {
        await Sets.MakeAsync(SetPath, null, 1, 2);
        Change(m => m with { Files = null });

        var plan = await PlanAsync();

        Assert.Equal(["db"], plan.Databases);
        Assert.Empty(plan.Shards);
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public async Task Copies_are_not_for_a_single_server()
    {
        await Sets.MakeAsync(SetPath, null, 1);
        Directory.CreateDirectory(directory["node"]);
        await using var node = await EmulatedDataNode.StartAsync(new EmulatedDataNodeOptions { Directory = directory["node"] });
        var options = new RestoreOptions { Path = SetPath, Server = new ServerAccess { DataNode = DataNodeAddress.Parse(node.Address) }, NewReplicationFactor = 2 };

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => new RestoreOperation(options).PlanAsync(TestContext.Current.CancellationToken));

        Assert.Equal("ReplicationNeedsCluster", error.Id);
    }
}
