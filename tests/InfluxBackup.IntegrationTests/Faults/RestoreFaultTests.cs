using InfluxBackup.BackupSets;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Faults;

/// <summary>Whatever the server or the network does, a restore that says complete has put every byte where it belongs.</summary>
public sealed class RestoreFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_file_arrives_byte_for_byte_under_the_new_name()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather, NewDatabase = "météo 2" });

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(["météo 2"], result.Databases);
        AssertSameFiles(source, target, result);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(3000)]
    public async Task An_upload_that_breaks_is_made_again(int after)
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        var rule = target.Faults.Add(Fault.CutUploadAfter(after), SnapshotterRequestType.ShardUpdate, times: 2);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather });

        Assert.Equal(2, target.Faults.Hits(rule));
        Assert.Equal(Outcome.Complete, result.Outcome);
        AssertSameFiles(source, target, result);
    }

    [Fact]
    public async Task An_upload_that_the_server_takes_and_forgets_is_noticed_and_made_again()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        target.Faults.Add(Fault.IgnoreUpload(), SnapshotterRequestType.ShardUpdate, times: 1);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather });

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Contains(result.Shards, s => s.Result.Attempts == 2);
        AssertSameFiles(source, target, result);
    }

    [Fact]
    public async Task An_upload_without_its_deleted_points_that_breaks_is_made_again_and_sends_the_same()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        var options = target.Restore(source.Set) with { Selection = Engine.Only(SampleData.Database) };
        var undisturbed = await Engine.RestoreAsync(options with { NewDatabase = "undisturbed" });
        var rule = target.Faults.Add(Fault.CutUploadAfter(2000), SnapshotterRequestType.ShardUpdate, times: 9);

        var result = await Engine.RestoreAsync(options);

        Assert.Equal(9, target.Faults.Hits(rule));
        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.True(result.DeletesApplied > 0);
        Assert.Equal(undisturbed.DeletesApplied, result.DeletesApplied);
        foreach (var (first, second) in undisturbed.Shards.Zip(result.Shards))
        {
            Assert.Equal(target.FilesOf(first.Target!).OrderBy(f => f.Key), target.FilesOf(second.Target!).OrderBy(f => f.Key));
        }

        var changed = result.Shards.Where(s => s.DeletesApplied > 0).ToList();
        Assert.Equal(SampleData.ShardWithTombstones, Assert.Single(changed).Source.Id);
        Assert.NotEqual(
            source.FilesOf(changed[0].Source).Where(f => ShardFileName.IsTsm(f.Key)).OrderBy(f => f.Key),
            target.FilesOf(changed[0].Target!).OrderBy(f => f.Key));
    }

    [Fact]
    public async Task A_server_that_forgets_every_upload_never_gets_a_success()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        target.Faults.Add(Fault.IgnoreUpload(), SnapshotterRequestType.ShardUpdate);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather, Retry = Engine.FastRetry with { MaxAttempts = 2 } });

        Assert.Equal(Outcome.Failed, result.Outcome);
        Assert.All(result.Shards, s => Assert.Equal("ShardUploadLost", s.Result.Error!.Id));
        Assert.Contains(result.Warnings, w => w.Contains(SampleData.OddlyNamedDatabase, StringComparison.Ordinal) && w.Contains("drop", StringComparison.Ordinal));
    }

    public static TheoryData<string> ImportFaults => ["reset", "cut", "wrong magic", "busy"];

    [Theory]
    [MemberData(nameof(ImportFaults))]
    public async Task An_answer_to_the_import_that_gets_lost_is_made_up_for_by_a_look(string name)
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        var fault = name switch
        {
            "reset" => Fault.Reset(),
            "cut" => Fault.CutAfter(20),
            "wrong magic" => Fault.WrongMagic(),
            _ => Fault.Busy(),
        };
        target.Faults.Add(fault, SnapshotterRequestType.MetastoreUpdate, times: 1);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather });

        Assert.Equal(Outcome.Complete, result.Outcome);
        AssertSameFiles(source, target, result);
    }

    [Fact]
    public async Task A_database_that_vanishes_behind_a_good_answer_is_noticed()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        target.Faults.Add(Fault.ImportLosesDatabase(), SnapshotterRequestType.MetastoreUpdate);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather }));

        Assert.Equal("MetadataRefused", error.Id);
        Assert.Contains(SampleData.OddlyNamedDatabase, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_database_that_vanishes_during_the_import_is_warned_of()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync();
        await Engine.BackupAsync(source.Backup);
        target.Faults.Add(Fault.ImportLosesDatabase(SampleData.Database), SnapshotterRequestType.MetastoreUpdate);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather, NewDatabase = "other" });

        Assert.Contains(result.Warnings, w => w.Contains("'demo'", StringComparison.Ordinal) && w.Contains("not any more", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_reads_an_upload_with_a_single_read_still_gets_the_metadata()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false, o => o with { SingleReadUpload = true });
        await Engine.BackupAsync(source.Backup);

        var result = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather });

        Assert.Equal(Outcome.Complete, result.Outcome);
        AssertSameFiles(source, target, result);
    }

    [Fact]
    public async Task An_existing_database_is_not_touched_and_the_error_says_what_to_do()
    {
        await using var node = await SampleNode.StartAsync();
        await Engine.BackupAsync(node.Backup);
        var before = node.Node.Metadata.ReadBytes();

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(node.Restore(node.Set) with { Selection = SampleNode.Weather }));

        Assert.Equal("DatabaseExists", error.Id);
        Assert.Contains("-NewDatabase", error.FullMessage, StringComparison.Ordinal);
        Assert.Equal(before, node.Node.Metadata.ReadBytes());
    }

    [Fact]
    public async Task A_damaged_archive_stops_the_restore_before_the_server_is_touched()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        var backup = await Engine.BackupAsync(source.Backup);
        var archive = Directory.GetFiles(source.Set, "*.s8.tar.gz").Single();
        var bytes = await File.ReadAllBytesAsync(archive, Cancel);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(archive, bytes, Cancel);
        var before = target.Node.Metadata.ReadBytes();

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather }));
        var partial = await Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather, AllowPartial = true, NewDatabase = "part" });

        Assert.Contains("s8.tar.gz", error.Message, StringComparison.Ordinal);
        Assert.NotEqual(before, target.Node.Metadata.ReadBytes()); // Only the partial restore did that:
        Assert.Equal(["part"], target.Node.Metadata.Read().Databases.Select(d => d.Name));
        Assert.Equal(Outcome.Partial, partial.Outcome);
        Assert.Equal(1, partial.ShardCount);
        Assert.Equal(Outcome.Complete, backup.Outcome);
    }

    [Fact]
    public async Task A_manifest_with_the_hash_of_the_tar_alone_is_held_to_it()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        var backup = await Engine.BackupAsync(source.Backup with { Selection = SampleNode.Weather });
        var manifest = ManifestFile.Read(backup.ManifestPath!);
        var files = manifest.Files!.Select(f => f with { ArchiveSha256 = null, ArchiveSize = null, TarSha256 = new string('0', 64) }).ToList();
        await File.WriteAllBytesAsync(backup.ManifestPath!, ManifestFile.ToBytes(manifest with { Files = files }), Cancel);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(target.Restore(source.Set)));

        Assert.Equal("ShardHashMismatch", error.Id);
        Assert.Empty(target.Node.Metadata.Read().Databases);
    }

    [Fact]
    public async Task A_cluster_is_never_sent_a_metadata_import()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        target.Node.Metadata.Edit(d => d.DataNodes.Add(new NodeInfo { ID = 4, Host = "node4:8086", TCPHost = "node4:8088" }));

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(target.Restore(source.Set) with { Selection = SampleNode.Weather }));

        Assert.Equal("TargetIsCluster", error.Id);
        Assert.DoesNotContain(target.Node.Requests, r => r.Type == SnapshotterRequestType.MetastoreUpdate);
    }

    [Fact]
    public async Task A_cancelled_restore_frees_the_shard_at_once_and_names_what_it_leaves()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        target.Faults.Add(Fault.Slow(2_000), SnapshotterRequestType.ShardUpdate);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var operation = new RestoreOperation(target.Restore(source.Set) with { Selection = SampleNode.Weather });
        var plan = await operation.PlanAsync(Cancel);
        var run = operation.RunAsync(plan, stop.Token);
        await Task.Delay(500, Cancel);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        await target.Node.WaitUntilIdleAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_restore_plan_changes_nothing()
    {
        await using var source = await SampleNode.StartAsync();
        await using var target = await SampleNode.StartAsync(withSample: false);
        await Engine.BackupAsync(source.Backup);
        var before = target.Node.Metadata.ReadBytes();

        var plan = await new RestoreOperation(target.Restore(source.Set) with { Selection = SampleNode.Weather }).PlanAsync(Cancel);

        Assert.Equal(2, plan.Shards.Count);
        Assert.Equal([SampleData.OddlyNamedDatabase], plan.Databases);
        Assert.Equal(before, target.Node.Metadata.ReadBytes());
        Assert.All(target.Node.Requests, r => Assert.Equal(SnapshotterRequestType.MetastoreBackup, r.Type));
    }

    private static void AssertSameFiles(SampleNode source, SampleNode target, RestoreResult result)
    {
        Assert.NotEmpty(result.Shards);
        foreach (var shard in result.Shards)
        {
            var expected = source.FilesOf(shard.Source).Where(f => ShardFileName.IsTsm(f.Key)).OrderBy(f => f.Key).ToList();
            var actual = target.FilesOf(shard.Target!).OrderBy(f => f.Key).ToList();
            Assert.Equal(expected.Select(f => f.Key), actual.Select(f => f.Key));
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.Value, pair.Second.Value));
        }
    }
}
