using InfluxBackup.BackupSets;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Tests.Operations.Export;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>A backup of all owners has every point that any of them has.</summary>
public sealed class AllOwnersTests
{
    [Fact]
    public async Task What_only_one_owner_has_is_in_the_backup_and_the_difference_is_counted()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.Differing;
        cluster.Nodes.OwnersOf(shard.Id)[2].AddPoints(shard, [new EmulatedPoint("only,on=third", "f", ClusterSample.Start + 1, 7L)]);

        var result = await Engine.BackupAsync(cluster.Backup with { AllOwners = true });

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(cluster.ShardCount, result.ShardCount);
        var warning = Assert.Single(result.Warnings, w => w.Contains(shard.ToString(), StringComparison.Ordinal));
        Assert.Contains("lacked 6", warning, StringComparison.Ordinal);
        Assert.All(ManifestFile.Read(result.ManifestPath!).Files!, f => Assert.All(f.Owners!, o => Assert.True(o.IsSource)));
        await cluster.AssertSoundAsync();
        foreach (var database in new[] { ClusterSample.ReplicatedThrice, ClusterSample.ReplicatedTwice, ClusterSample.NotReplicated, ClusterSample.OddlyNamed })
        {
            Assert.Equal(cluster.Nodes.ReadPoints(database).Count, await CountPointsAsync(cluster.Set, database));
        }
    }

    [Fact]
    public async Task A_second_backup_of_all_owners_takes_nothing_and_one_after_a_backup_of_one_owner_everything_that_has_several()
    {
        await using var cluster = await SampleCluster.StartAsync();
        await Engine.BackupAsync(cluster.Backup);
        var several = ServerMetadata.Parse(cluster.Nodes.Metadata.ReadBytes(), "cluster").Shards.Count(s => s.Owners.Count > 1);

        var first = await Engine.BackupAsync(cluster.Backup with { AllOwners = true });
        var second = await Engine.BackupAsync(cluster.Backup with { AllOwners = true });

        Assert.Equal(several, first.ShardCount);
        Assert.Equal(0, second.ShardCount);
    }

    [Fact]
    public async Task An_owner_that_is_down_is_left_out_with_a_warning_and_taken_when_it_is_back()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 3);
        var selection = cluster.Backup with { AllOwners = true, Selection = new ShardSelection { ShardIds = [shard.Id] } };
        var bad = cluster.Nodes.OwnersOf(shard.Id)[1];
        bad.Faults.Add(Fault.CutAfter(800), SnapshotterRequestType.ShardBackup, shard.Id);

        var without = await Engine.BackupAsync(selection);
        bad.Faults.Clear();
        var with = await Engine.BackupAsync(selection);

        Assert.Equal(Outcome.Complete, without.Outcome);
        Assert.Contains(without.Warnings, w => w.Contains(bad.Address, StringComparison.Ordinal) && w.Contains("is not in the backup", StringComparison.Ordinal));
        Assert.Equal(2, ManifestFile.Read(without.ManifestPath!).Files!.Single().Owners!.Count);
        Assert.Equal(1, with.ShardCount);
        Assert.Equal(3, ManifestFile.Read(with.ManifestPath!).Files!.Single().Owners!.Count);
    }

    [Fact]
    public async Task A_shard_that_no_owner_gives_is_an_error()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        foreach (var owner in cluster.Nodes.OwnersOf(shard.Id))
        {
            owner.Faults.Add(Fault.Reset(100), SnapshotterRequestType.ShardBackup, shard.Id);
        }

        var result = await Engine.BackupAsync(cluster.Backup with { AllOwners = true, Selection = new ShardSelection { ShardIds = [shard.Id] }, Retry = Engine.FastRetry with { MaxAttempts = 8 } });

        Assert.Equal(Outcome.Failed, result.Outcome);
        Assert.Null(result.ManifestPath);
    }

    private static async Task<long> CountPointsAsync(string set, string database)
    {
        var result = await Exports.RunAsync(new ExportOptions
        {
            Source = new BackupExportSource(set, null, combine: false), Selection = Engine.Only(database), OutputStream = Stream.Null, OneFieldPerLine = true,
        });
        return result.Points;
    }
}
