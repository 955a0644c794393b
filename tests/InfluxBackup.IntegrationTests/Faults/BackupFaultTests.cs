using InfluxBackup.BackupSets;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Faults;

/// <summary>Whatever the server or the network does, a backup is whole or it is not there, and the error says what happened.</summary>
public sealed class BackupFaultTests
{
    private const ulong Shard = 7;
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Where a response can break: nothing, inside and after the header, in a file, in padding, in the trailer.</summary>
    public static TheoryData<int> CutPoints => [0, 1, 511, 512, 513, 1024, 1500, -1025, -1024, -1023, -512, -1];

    [Theory]
    [MemberData(nameof(CutPoints))]
    public async Task A_cut_response_is_read_again_from_the_start(int at)
    {
        await using var node = await SampleNode.StartAsync();
        var length = (await LengthsAsync(node))[Shard];
        var rule = node.Faults.Add(Fault.CutAfter(at < 0 ? length + at : at), SnapshotterRequestType.ShardBackup, Shard, times: 2);

        var result = await Engine.BackupAsync(node.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(2, node.Faults.Hits(rule));
        Assert.Equal(3, result.Shards.Single(s => s.Shard.Id == Shard).Attempts);
        Assert.True(Assert.Single(await Engine.TestAsync(node.Set)).IsSound);
    }

    [Theory]
    [MemberData(nameof(CutPoints))]
    public async Task A_response_that_is_always_cut_leaves_no_backup_and_names_the_shard(int at)
    {
        await using var node = await SampleNode.StartAsync();
        var length = (await LengthsAsync(node))[Shard];
        node.Faults.Add(Fault.CutAfter(at < 0 ? length + at : at), SnapshotterRequestType.ShardBackup, Shard);

        var result = await Engine.BackupAsync(node.Backup);

        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Null(result.ManifestPath);
        var failed = Assert.Single(result.Shards, s => s.Outcome == ShardOutcome.Failed);
        Assert.Contains("shard 7", failed.Error!.Message, StringComparison.OrdinalIgnoreCase);
        AssertNothingLeft(node.Set);
    }

    public static TheoryData<string> Misbehaviours => ["reset", "stall", "one zero block", "no trailer", "busy", "reset at once", "stall at once"];

    [Theory]
    [MemberData(nameof(Misbehaviours))]
    public async Task Misbehaviour_that_passes_costs_an_attempt_and_nothing_else(string name)
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Make(name), SnapshotterRequestType.ShardBackup, Shard, times: 1);

        var result = await Engine.BackupAsync(node.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(2, result.Shards.Single(s => s.Shard.Id == Shard).Attempts);
        Assert.True(Assert.Single(await Engine.TestAsync(node.Set)).IsSound);
    }

    [Theory]
    [MemberData(nameof(Misbehaviours))]
    public async Task Misbehaviour_that_stays_is_a_failed_shard_and_with_leave_a_partial_backup(string name)
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Make(name), SnapshotterRequestType.ShardBackup, Shard);

        var result = await Engine.BackupAsync(node.Backup with { AllowPartial = true, Retry = Engine.FastRetry with { MaxAttempts = 2 } });

        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.NotNull(result.ManifestPath);
        var manifest = ManifestFile.Read(result.ManifestPath);
        Assert.Equal(Outcome.Partial, manifest.Run!.Outcome);
        Assert.Equal(Shard, Assert.Single(manifest.Run.MissingShards).ShardId);
        Assert.DoesNotContain(manifest.Files!, f => f.ShardId == Shard);
        Assert.Equal(Outcome.Partial, Assert.Single(await Engine.TestAsync(node.Set)).Outcome);
    }

    [Fact]
    public async Task A_byte_that_changed_in_a_header_is_found()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.CorruptByte(100), SnapshotterRequestType.ShardBackup, Shard);

        var result = await Engine.BackupAsync(node.Backup);

        Assert.Equal("ShardArchiveDamaged", result.Shards.Single(s => s.Shard.Id == Shard).Error!.Id);
        AssertNothingLeft(node.Set);
    }

    [Fact]
    public async Task A_shard_dropped_while_it_is_sent_is_noticed_and_not_in_the_backup()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.DropShardDuring(filesSent: 1), SnapshotterRequestType.ShardBackup, 2);

        var result = await Engine.BackupAsync(node.Backup);

        var dropped = result.Shards.Single(s => s.Shard.Id == 2);
        Assert.Equal(ShardOutcome.Skipped, dropped.Outcome);
        Assert.Equal(SkipReason.Dropped, dropped.SkipReason);
        Assert.Contains(result.Warnings, w => w.Contains("shard 2 ", StringComparison.Ordinal) && w.Contains("dropped", StringComparison.Ordinal));
        var manifest = ManifestFile.Read(result.ManifestPath!);
        Assert.DoesNotContain(manifest.Files!, f => f.ShardId == 2);
        Assert.Equal(2UL, Assert.Single(manifest.Run!.MissingShards).ShardId);
        Assert.False(File.Exists(Path.Combine(node.Set, PortableBackupWriter.ArchiveName(result.Timestamp!, 2))));
    }

    [Fact]
    public async Task A_cache_that_can_not_be_flushed_is_said_and_one_that_can_later_is_not()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.Busy(), SnapshotterRequestType.ShardExport, 3, times: 2);
        node.Faults.Add(Fault.Busy(), SnapshotterRequestType.ShardExport, 4);

        var result = await Engine.BackupAsync(node.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        var warning = Assert.Single(result.Warnings, w => w.Contains("could not be flushed", StringComparison.Ordinal));
        Assert.Contains("shard 4 ", warning, StringComparison.Ordinal);
        Assert.Contains(ManifestFile.Read(result.ManifestPath!).Run!.Warnings, w => w == warning);
    }

    [Fact]
    public async Task A_server_that_is_killed_and_comes_back_costs_attempts_and_nothing_else()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.Stall(600), SnapshotterRequestType.ShardBackup, Shard, times: 1);
        var backup = Engine.BackupAsync(node.Backup with { Retry = new TransferOptions { MaxAttempts = 10, RetryDelay = TimeSpan.FromMilliseconds(100) } });
        await Task.Delay(300, Cancel);
        await node.Node.KillAsync();
        await Task.Delay(300, Cancel);
        await node.Node.RestartAsync();

        Assert.Equal(Outcome.Complete, (await backup).Outcome);
        Assert.True(Assert.Single(await Engine.TestAsync(node.Set)).IsSound);
    }

    [Fact]
    public async Task A_server_that_never_comes_back_fails_every_shard_and_leaves_nothing()
    {
        await using var node = await SampleNode.StartAsync();
        var operation = new BackupOperation(node.Backup);
        var plan = await operation.PlanAsync(Cancel);
        await node.Node.KillAsync();

        var result = await operation.RunAsync(plan, Cancel);

        Assert.Equal(Outcome.Failed, result.Outcome);
        Assert.All(result.Shards, s => Assert.Equal(ErrorKind.Connection, s.Error!.Kind));
        Assert.Contains(result.Shards, s => s.Error!.Id == "ShardNotTried");
        Assert.Contains(node.Node.Address, result.Shards[0].Error!.Message, StringComparison.Ordinal);
        AssertNothingLeft(node.Set);
    }

    [Fact]
    public async Task A_cancelled_run_leaves_nothing()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.Slow(20_000), SnapshotterRequestType.ShardBackup);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var operation = new BackupOperation(node.Backup);
        var run = operation.RunAsync(await operation.PlanAsync(Cancel), stop.Token);
        await Task.Delay(400, Cancel);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        AssertNothingLeft(node.Set);
    }

    [Fact]
    public async Task Two_runs_into_one_set_at_once_do_not_meet()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.Slow(50_000), SnapshotterRequestType.ShardBackup);
        var first = Engine.BackupAsync(node.Backup);
        await Task.Delay(300, Cancel);

        var second = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.BackupAsync(node.Backup));

        Assert.Equal("BackupSetInUse", second.Id);
        Assert.Equal(Outcome.Complete, (await first).Outcome);
        Assert.Equal(Outcome.Complete, (await Engine.BackupAsync(node.Backup)).Outcome);
        Assert.Equal(2, (await Engine.TestAsync(node.Set)).Count(r => r.IsSound));
    }

    [Fact]
    public async Task Shards_on_other_nodes_of_a_cluster_are_named_in_the_manifest()
    {
        await using var node = await SampleNode.StartAsync();
        node.Node.Metadata.Edit(data =>
        {
            var policy = data.Databases.Single(d => d.Name == SampleData.Database).RetentionPolicies[0];
            policy.ShardGroups[0].Shards.Add(new Metadata.ShardInfo { ID = 99, Owners = { new ShardOwner { NodeID = 5 } } });
            data.MaxShardID = 99;
        });

        var result = await Engine.BackupAsync(node.Backup);

        Assert.Contains(result.Warnings, w => w.Contains("cluster", StringComparison.Ordinal));
        var manifest = ManifestFile.Read(result.ManifestPath!);
        Assert.True(manifest.Limited);
        Assert.Equal(99UL, Assert.Single(manifest.Run!.MissingShards).ShardId);
    }

    [Fact]
    public async Task A_shard_id_that_exists_twice_is_warned_of()
    {
        await using var node = await SampleNode.StartAsync();
        node.Node.Metadata.Edit(data => data.Databases.Single(d => d.Name == SampleData.Database).RetentionPolicies[0].ShardGroups[0].Shards[0].ID = Shard);

        var result = await Engine.BackupAsync(node.Backup with { Selection = SampleNode.Weather });

        Assert.Contains(result.Warnings, w => w.Contains("twice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_full_disk_is_named_and_leaves_nothing()
    {
        // /dev/full is a device whose every write fails for want of space; a set can't be on it, but an archive can be it.
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        await using var node = await SampleNode.StartAsync();
        Directory.CreateDirectory(node.Set);
        var timestamps = Enumerable.Range(0, 30).Select(s => BackupTimestamp.Format(DateTime.UtcNow.AddSeconds(s)));
        var operation = new BackupOperation(node.Backup);
        var plan = await operation.PlanAsync(Cancel);
        node.Faults.Add(Fault.Slow(100_000), SnapshotterRequestType.ShardExport);
        var run = operation.RunAsync(plan, Cancel);
        foreach (var timestamp in timestamps)
        {
            File.CreateSymbolicLink(Path.Combine(node.Set, PortableBackupWriter.ArchiveName(timestamp, Shard) + LocalFile.PartialSuffix), "/dev/full");
        }

        var result = await run;

        var error = result.Shards.Single(s => s.Shard.Id == Shard).Error!;
        Assert.Equal("DiskFull", error.Id);
        Assert.Contains(node.Set, error.Message, StringComparison.Ordinal);
        Assert.Null(result.ManifestPath);
    }

    private static async Task<Dictionary<ulong, long>> LengthsAsync(SampleNode node)
    {
        var probe = node.Set + "-probe";
        var result = await Engine.BackupAsync(node.Backup with { Path = probe });
        return result.Shards.ToDictionary(s => s.Shard.Id, s => s.Archive!.Length);
    }

    private static Fault Make(string name) => name switch
    {
        "reset" => Fault.Reset(3000),
        "reset at once" => Fault.Reset(),
        "stall" => Fault.Stall(3000),
        "stall at once" => Fault.Stall(),
        "one zero block" => Fault.ShortTrailer(1),
        "no trailer" => Fault.ShortTrailer(0),
        _ => Fault.Busy(),
    };

    private static void AssertNothingLeft(string set) =>
        Assert.All(Directory.GetFiles(set), f => Assert.Equal(BackupSetLock.FileName, Path.GetFileName(f)));
}
