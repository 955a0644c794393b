using InfluxBackup.BackupSets;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>A cluster's backup holds every shard once, says where each came from, and the next one takes only what changed.</summary>
public sealed class ClusterBackupTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_shard_of_the_cluster_is_in_the_backup_once()
    {
        await using var cluster = await SampleCluster.StartAsync();

        var result = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(cluster.ShardCount, result.ShardCount);
        var manifest = ManifestFile.Read(result.ManifestPath!);
        Assert.Equal(BackupStrategy.Incremental, manifest.Run!.Strategy);
        Assert.False(manifest.Limited);
        Assert.All(manifest.Files!, f =>
        {
            Assert.Single(f.Owners!, o => o.IsSource);
            Assert.Equal(cluster.Nodes.OwnersOf(f.ShardId).Select(o => o.NodeId).Order(), f.Owners!.Select(o => o.NodeId).Order());
            Assert.Equal(f.Owners!.Max(o => o.LastModified), f.LastModified);
        });
        foreach (var file in manifest.Files!)
        {
            var key = new ShardKey(file.Database, file.RetentionPolicy, file.ShardId);
            var source = cluster.Nodes.DataNode(file.Owners!.Single(o => o.IsSource).NodeId);
            Assert.Equal(SampleCluster.FilesOn(source, key), file.Entries!.Select(e => (e.Name, e.Size)));
        }

        await cluster.AssertSoundAsync();
        Assert.Equal(6UL, MetaFileWrapper.Parser.ParseFrom(await File.ReadAllBytesAsync(Path.Combine(cluster.Set, manifest.Meta.FileName), Cancel)).MaxNodeID);
    }

    [Fact]
    public async Task A_shard_that_lost_its_owners_is_taken_from_a_node_that_has_it()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(1);
        cluster.Nodes.Metadata.Edit(data => InfoOf(data, shard).Owners.Clear());

        var result = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.NotEmpty(cluster.FilesInSet(shard));
        Assert.Contains(result.Warnings, w => w.Contains("no owner", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shard_id_or_an_owner_given_twice_does_not_stop_a_backup()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(3);
        cluster.Nodes.Metadata.Edit(data =>
        {
            var info = InfoOf(data, shard);
            info.Owners.Add(info.Owners[0].Clone());
            GroupOf(data, shard).Shards.Add(info.Clone());
        });

        var first = await Engine.BackupAsync(cluster.Backup);
        var second = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(Outcome.Complete, first.Outcome);
        Assert.Contains(first.Warnings, w => w.Contains("twice", StringComparison.Ordinal));
        Assert.Equal(0, second.ShardCount);
    }

    [Fact]
    public async Task A_set_of_another_cluster_with_the_same_names_and_ids_counts_for_nothing()
    {
        await using var cluster = await SampleCluster.StartAsync();
        await Engine.BackupAsync(cluster.Backup);
        cluster.Nodes.Metadata.Edit(data => data.ClusterID++);

        var second = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(cluster.ShardCount, second.ShardCount);
        Assert.Contains(second.Warnings, w => w.Contains("another server or cluster", StringComparison.Ordinal));
        Assert.All(RestorePoint.Combine(BackupSet.Open(cluster.Set), null).Shards.Values, s => Assert.Equal(second.Timestamp, s.Backup.Timestamp));
    }

    private static ShardGroupInfo GroupOf(Data data, ShardKey shard) => data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups)
        .First(g => g.Shards.Any(s => s.ID == shard.Id));

    private static Metadata.ShardInfo InfoOf(Data data, ShardKey shard) => GroupOf(data, shard).Shards.First(s => s.ID == shard.Id);

    [Fact]
    public async Task The_load_is_spread_over_the_data_nodes()
    {
        await using var cluster = await SampleCluster.StartAsync();

        var result = await Engine.BackupAsync(cluster.Backup with { Selection = Engine.Only(ClusterSample.ReplicatedThrice) });

        var sources = ManifestFile.Read(result.ManifestPath!).Files!.GroupBy(f => f.Owners!.Single(o => o.IsSource).NodeId).Select(g => g.Count()).ToList();
        Assert.Equal(Math.Min(3, result.ShardCount), sources.Count);
    }

    [Fact]
    public async Task A_preferred_node_gives_what_it_has_and_others_give_the_rest()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var preferred = cluster.Nodes.DataNodes[1];

        var result = await Engine.BackupAsync(cluster.Backup with { From = [DataNodeAddress.Parse(preferred.Address)] });

        Assert.Equal(Outcome.Complete, result.Outcome);
        var files = ManifestFile.Read(result.ManifestPath!).Files!;
        Assert.All(files, f => Assert.Equal(
            cluster.Nodes.OwnersOf(f.ShardId).Contains(preferred), f.Owners!.Single(o => o.IsSource).NodeId == preferred.NodeId));
        Assert.Contains(files, f => f.Owners!.All(o => o.NodeId != preferred.NodeId));
    }

    [Fact]
    public async Task A_second_backup_without_changes_takes_nothing_and_restores_as_the_first()
    {
        await using var cluster = await SampleCluster.StartAsync();
        await Engine.BackupAsync(cluster.Backup);

        var second = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(Outcome.Complete, second.Outcome);
        Assert.Equal(0, second.ShardCount);
        Assert.Equal(cluster.ShardCount, second.UnchangedShardCount);
        Assert.True(ManifestFile.Read(second.ManifestPath!).Limited);
        Assert.Equal(cluster.ShardCount, RestorePoint.Combine(BackupSet.Open(cluster.Set), null).Shards.Count);
        await cluster.AssertSoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_a_shard_that_changed_is_taken_again(bool onEveryOwner)
    {
        await using var cluster = await SampleCluster.StartAsync();
        await Engine.BackupAsync(cluster.Backup);
        var shard = cluster.ShardWith(owners: 2);
        foreach (var owner in cluster.Nodes.OwnersOf(shard.Id).Take(onEveryOwner ? 2 : 1))
        {
            owner.AddPoints(shard, [new EmulatedPoint("new,a=b", "f", ClusterSample.Start, 1L)]);
        }

        var result = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(shard, Assert.Single(result.Shards, s => s.Outcome == ShardOutcome.Complete).Shard);
        Assert.Equal(cluster.ShardCount - 1, result.UnchangedShardCount);
        Assert.Contains(cluster.Nodes.OwnersOf(shard.Id), o => SampleCluster.FilesOn(o, shard).SequenceEqual(cluster.FilesInSet(shard)));
    }

    [Fact]
    public async Task A_delete_between_two_backups_is_in_the_second_and_not_in_the_first()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var first = await Engine.BackupAsync(cluster.Backup);
        var shard = cluster.ShardWith(owners: 2);
        foreach (var owner in cluster.Nodes.OwnersOf(shard.Id))
        {
            var point = owner.ReadPoints(shard).First().Key;
            owner.DeletePoints(shard, point.Series, [point.Field], Tsm.TimeRange.Everything);
        }

        var second = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(shard, Assert.Single(second.Shards, s => s.Outcome == ShardOutcome.Complete).Shard);
        Assert.Contains(cluster.FilesInSet(shard), f => ShardFileName.IsTombstone(f.Name));
        Assert.DoesNotContain(cluster.FilesInSet(shard, first.Timestamp), f => ShardFileName.IsTombstone(f.Name));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("shorter")]
    public async Task A_shard_whose_archive_is_gone_from_the_set_is_taken_again(string what)
    {
        await using var cluster = await SampleCluster.StartAsync();
        var first = await Engine.BackupAsync(cluster.Backup);
        var shard = cluster.ShardWith(owners: 3);
        var archive = Path.Combine(cluster.Set, PortableBackupWriter.ArchiveName(first.Timestamp!, shard.Id));
        if (what == "missing")
        {
            File.Delete(archive);
        }
        else
        {
            File.WriteAllText(archive, "");
        }

        var second = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(shard, Assert.Single(second.Shards, s => s.Outcome == ShardOutcome.Complete).Shard);
    }

    [Fact]
    public async Task A_full_backup_takes_everything_and_a_metadata_backup_no_shard()
    {
        await using var cluster = await SampleCluster.StartAsync();
        await Engine.BackupAsync(cluster.Backup);

        var full = await Engine.BackupAsync(cluster.Backup with { Strategy = BackupStrategy.Full });
        var metadata = await Engine.BackupAsync(cluster.Backup with { Strategy = BackupStrategy.MetadataOnly });

        Assert.Equal(cluster.ShardCount, full.ShardCount);
        Assert.Equal(Outcome.Complete, metadata.Outcome);
        Assert.Empty(metadata.Shards);
        var manifest = ManifestFile.Read(metadata.ManifestPath!);
        Assert.Equal(BackupStrategy.MetadataOnly, manifest.Run!.Strategy);
        Assert.Empty(manifest.Files!);
        await cluster.AssertSoundAsync();
    }

    [Fact]
    public async Task What_changed_while_an_owner_was_down_is_taken_again_when_it_is_back()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        var owners = cluster.Nodes.OwnersOf(shard.Id);
        await owners[0].KillAsync();
        var without = await Engine.BackupAsync(cluster.Backup with { AllowPartial = true });
        Assert.Contains(without.Shards, s => s.Shard == shard && s.Outcome == ShardOutcome.Complete);

        var still = await Engine.BackupAsync(cluster.Backup with { AllowPartial = true });
        await owners[0].RestartAsync();
        var back = await Engine.BackupAsync(cluster.Backup);
        var after = await Engine.BackupAsync(cluster.Backup);

        Assert.Contains(still.Shards, s => s.Shard == shard && s.SkipReason == SkipReason.Unchanged);
        Assert.Contains(back.Shards, s => s.Shard == shard && s.Outcome == ShardOutcome.Complete);
        Assert.Equal(0, after.ShardCount);
    }

    [Fact]
    public async Task An_estimate_has_sizes_and_a_time_and_touches_nothing()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var operation = new BackupOperation(cluster.Backup);

        var estimate = await operation.EstimateAsync(await operation.PlanAsync(Cancel), Cancel);

        Assert.True(estimate.ExpectedBytes > 0);
        Assert.True(estimate.EstimatedBytesPerSecond > 0);
        Assert.NotNull(estimate.EstimatedDuration);
        Assert.False(Directory.Exists(cluster.Set));
        Assert.All(estimate.Shards, s => Assert.NotNull(s.DataNode));
    }

    [Fact]
    public async Task Owners_that_disagree_are_named()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 3);
        var lacking = cluster.Nodes.OwnersOf(shard.Id)[2];
        Directory.Delete(lacking.ShardDirectory(shard), recursive: true);

        var result = await Engine.BackupAsync(cluster.Backup);

        var warning = Assert.Single(result.Warnings, w => w.Contains("disagree", StringComparison.Ordinal));
        Assert.Contains(shard.ToString(), warning, StringComparison.Ordinal);
        Assert.Contains(lacking.Address, warning, StringComparison.Ordinal);
        Assert.Contains(warning, ManifestFile.Read(result.ManifestPath!).Run!.Warnings);
    }

    [Fact]
    public async Task A_shard_that_nobody_ever_wrote_to_is_skipped_and_one_that_got_lost_is_an_error()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        var selection = cluster.Backup with { Selection = new ShardSelection { ShardIds = [shard.Id] } };
        var first = await Engine.BackupAsync(selection);
        foreach (var owner in cluster.Nodes.OwnersOf(shard.Id))
        {
            Directory.Delete(owner.ShardDirectory(shard), recursive: true);
        }

        var lost = await Engine.BackupAsync(selection);
        var elsewhere = await Engine.BackupAsync(selection with { Path = cluster.Set + "-new" });

        Assert.Equal(1, first.ShardCount);
        Assert.Equal("ShardLost", Assert.Single(lost.Shards).Error!.Id);
        Assert.Null(lost.ManifestPath);
        Assert.Equal(SkipReason.Empty, Assert.Single(elsewhere.Shards).SkipReason);
        Assert.Equal(Outcome.Complete, elsewhere.Outcome);
    }
}
