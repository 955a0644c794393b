using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>Whatever happens to the nodes of a cluster, each shard comes whole from an owner that has it, or its absence is an error.</summary>
public sealed class ClusterBackupFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Misbehaviours => ["cut in the middle", "reset", "hangs in the middle", "hangs at once", "short trailer", "busy"];

    [Theory]
    [MemberData(nameof(Misbehaviours))]
    public async Task An_owner_that_misbehaves_is_replaced_by_another(string how)
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        var bad = cluster.Nodes.OwnersOf(shard.Id)[0];
        var good = cluster.Nodes.OwnersOf(shard.Id)[1];
        var rule = bad.Faults.Add(Make(how), SnapshotterRequestType.ShardBackup, shard.Id);

        var result = await Engine.BackupAsync(cluster.Backup with { From = [DataNodeAddress.Parse(bad.Address)] });

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.True(bad.Faults.Hits(rule) > 0);
        Assert.Equal(good.NodeId, Source(result, shard));
        await cluster.AssertSoundAsync();
    }

    [Fact]
    public async Task A_node_that_is_down_is_named_and_the_other_owners_are_used()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var dead = cluster.Nodes.DataNodes[1];
        await dead.KillAsync();

        var result = await Engine.BackupAsync(cluster.Backup with { Selection = Engine.Only(ClusterSample.ReplicatedTwice) });

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Contains(result.Warnings, w => w.Contains(dead.Address, StringComparison.Ordinal) && w.Contains("other owners are used", StringComparison.Ordinal));
        Assert.All(ManifestFile.Read(result.ManifestPath!).Files!, f => Assert.All(f.Owners!, o => Assert.NotEqual(dead.NodeId, o.NodeId)));
    }

    [Fact]
    public async Task A_shard_whose_owners_are_all_down_is_a_failure_and_never_a_gap()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        foreach (var owner in cluster.Nodes.OwnersOf(shard.Id))
        {
            await owner.KillAsync();
        }

        var refused = await Engine.BackupAsync(cluster.Backup);
        var partial = await Engine.BackupAsync(cluster.Backup with { AllowPartial = true });

        Assert.Equal(Outcome.Partial, refused.Outcome);
        Assert.Null(refused.ManifestPath);
        Assert.NotNull(refused.Shards.Single(s => s.Shard == shard).Error);
        var manifest = ManifestFile.Read(partial.ManifestPath!);
        Assert.Contains(manifest.Run!.MissingShards, m => m.ShardId == shard.Id && m.Outcome == ShardOutcome.Failed);
        Assert.DoesNotContain(manifest.Files!, f => f.ShardId == shard.Id);
        Assert.True(manifest.Limited);
    }

    [Fact]
    public async Task An_owner_that_dies_in_the_middle_of_its_shards_is_replaced()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var dying = cluster.Nodes.DataNodes[0];
        dying.Faults.Add(Fault.Stall(2000), SnapshotterRequestType.ShardBackup);
        var run = Engine.BackupAsync(cluster.Backup with
        {
            Selection = new ShardSelection { Databases = [ClusterSample.ReplicatedTwice, ClusterSample.ReplicatedThrice] },
            Server = cluster.Access with { DataNodes = new SnapshotterOptions { IdleTimeout = TimeSpan.FromSeconds(30) } },
        });
        await Task.Delay(700, Cancel);
        await dying.KillAsync();

        var result = await run;

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.All(ManifestFile.Read(result.ManifestPath!).Files!, f => Assert.NotEqual(dying.NodeId, f.Owners!.Single(o => o.IsSource).NodeId));
        await cluster.AssertSoundAsync();
    }

    [Fact]
    public async Task An_owner_that_lacks_the_shard_or_is_empty_is_not_read_however_often_the_others_fail()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 3);
        var owners = cluster.Nodes.OwnersOf(shard.Id);
        Directory.Delete(owners[0].ShardDirectory(shard), recursive: true);
        foreach (var file in Directory.GetFiles(owners[1].ShardDirectory(shard)))
        {
            File.Delete(file);
        }

        owners[2].Faults.Add(Fault.CutAfter(700), SnapshotterRequestType.ShardBackup, shard.Id, times: 4);
        var backup = cluster.Backup with { Selection = new ShardSelection { ShardIds = [shard.Id] } };
        var good = await Engine.BackupAsync(backup);
        owners[2].Faults.Add(Fault.CutAfter(700), SnapshotterRequestType.ShardBackup, shard.Id);
        var bad = await Engine.BackupAsync(backup with { Path = cluster.Set + "-2" });

        Assert.Equal(owners[2].NodeId, Source(good, shard));
        Assert.Equal(Outcome.Failed, bad.Outcome);
        Assert.Null(bad.ManifestPath);
    }

    [Fact]
    public async Task A_copy_that_lags_far_behind_is_read_only_when_no_better_one_can_be_and_taken_again_when_one_can()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        var (better, lagging) = (cluster.Nodes.OwnersOf(shard.Id)[0], cluster.Nodes.OwnersOf(shard.Id)[1]);
        better.AddPoints(shard, Enumerable.Range(0, 20_000).Select(i => new EmulatedPoint($"more,a=b{i % 50}", "f", ClusterSample.Start + i, i * 1.1)));
        var rule = better.Faults.Add(Fault.CutAfter(600), SnapshotterRequestType.ShardBackup, shard.Id);
        var backup = cluster.Backup with { Selection = new ShardSelection { ShardIds = [shard.Id] } };

        var without = await Engine.BackupAsync(backup);
        var isRead = better.Faults.Hits(rule);
        better.Faults.Remove(rule);
        var with = await Engine.BackupAsync(backup);
        var after = await Engine.BackupAsync(backup);

        Assert.Equal(OwnerChoice.PatienceWithGoodCopies, isRead);
        Assert.Equal(lagging.NodeId, Source(without, shard));
        Assert.Contains(without.Warnings, w => w.Contains("more of it", StringComparison.Ordinal));
        Assert.Equal(better.NodeId, Source(with, shard));
        Assert.Equal(0, after.ShardCount);
    }

    [Fact]
    public async Task A_meta_leader_that_is_lost_during_the_backup_does_not_matter()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var operation = new BackupOperation(cluster.Backup);
        var plan = await operation.PlanAsync(Cancel);
        await cluster.Nodes.Leader!.KillAsync();

        var result = await operation.RunAsync(plan, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(cluster.ShardCount, result.ShardCount);
        Assert.Equal(0, (await Engine.BackupAsync(cluster.Backup)).ShardCount);
    }

    [Fact]
    public async Task Meta_nodes_that_are_all_lost_during_the_backup_do_not_matter_for_shards_that_are_there()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var operation = new BackupOperation(cluster.Backup with { Server = cluster.Access with { Meta = new MetaNodeOptions { Patience = TimeSpan.FromSeconds(0.5), Timeout = TimeSpan.FromSeconds(1) } } });
        var plan = await operation.PlanAsync(Cancel);
        foreach (var node in cluster.Nodes.MetaNodes)
        {
            await node.KillAsync();
        }

        var result = await operation.RunAsync(plan, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(cluster.ShardCount, result.ShardCount);
        Assert.All(ManifestFile.Read(result.ManifestPath!).Files!, f => Assert.NotEmpty(f.Owners!));
    }

    [Fact]
    public async Task A_shard_dropped_while_it_is_sent_is_not_in_the_backup()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var shard = cluster.ShardWith(owners: 2);
        foreach (var owner in cluster.Nodes.OwnersOf(shard.Id))
        {
            owner.Faults.Add(Fault.DropShardDuring(0), SnapshotterRequestType.ShardBackup, shard.Id);
        }

        var result = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(SkipReason.Dropped, result.Shards.Single(s => s.Shard == shard).SkipReason);
        Assert.DoesNotContain(ManifestFile.Read(result.ManifestPath!).Files!, f => f.ShardId == shard.Id);
        await cluster.AssertSoundAsync();
    }

    [Fact]
    public async Task A_shard_dropped_or_created_between_plan_and_copy_does_no_harm()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var operation = new BackupOperation(cluster.Backup);
        var plan = await operation.PlanAsync(Cancel);
        var shard = cluster.ShardWith(owners: 2);
        var known = plan.Shards.Select(s => s.Shard.Key).ToHashSet();
        cluster.Nodes.DropShard(shard.Id);
        cluster.Nodes.Write(ClusterSample.ReplicatedTwice, "daily", [new EmulatedPoint("late,a=b", "f", ClusterSample.Start + (400L * 86_400_000_000_000), 1L)]);

        var result = await operation.RunAsync(plan, Cancel);
        var next = await Engine.BackupAsync(cluster.Backup);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(SkipReason.Dropped, result.Shards.Single(s => s.Shard == shard).SkipReason);
        Assert.Contains(result.Warnings, w => w.Contains("dropped", StringComparison.Ordinal));
        Assert.All(next.Shards.Where(s => s.Outcome == ShardOutcome.Complete), s => Assert.DoesNotContain(s.Shard, known));
        Assert.Contains(next.Shards, s => s.Outcome == ShardOutcome.Complete);
        await cluster.AssertSoundAsync();
    }

    [Fact]
    public async Task A_hanging_data_node_costs_its_silence_once_and_not_for_each_shard()
    {
        await using var cluster = await SampleCluster.StartAsync();
        var hanging = cluster.Nodes.DataNodes[2];
        var operation = new BackupOperation(cluster.Backup with { Selection = new ShardSelection { Databases = [ClusterSample.ReplicatedTwice, ClusterSample.ReplicatedThrice, ClusterSample.OddlyNamed] } });
        var plan = await operation.PlanAsync(Cancel);
        hanging.Faults.Add(Fault.Stall());
        var clock = Stopwatch.StartNew();

        var result = await operation.RunAsync(plan, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.All(ManifestFile.Read(result.ManifestPath!).Files!, f => Assert.DoesNotContain(f.Owners ?? [], o => o.IsSource && o.NodeId == hanging.NodeId));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
    }

    [Fact]
    public async Task A_slow_owner_slows_nothing_but_its_own_shards()
    {
        await using var cluster = await SampleCluster.StartAsync();
        cluster.Nodes.DataNodes[0].Faults.Add(Fault.Slow(200_000), SnapshotterRequestType.ShardBackup);

        Assert.Equal(Outcome.Complete, (await Engine.BackupAsync(cluster.Backup)).Outcome);
        await cluster.AssertSoundAsync();
    }

    [Fact]
    public async Task A_wrong_secret_is_refused_and_the_right_one_is_nowhere_in_the_set()
    {
        await using var cluster = await SampleCluster.StartAsync(o => o with { Authentication = new EmulatedAuthentication(SharedSecret: "right secret") });
        BackupOptions With(string secret) => cluster.Backup with { Server = cluster.Access with { Meta = new MetaNodeOptions { SharedSecret = new SharedSecret(secret), UserName = "admin" } } };

        var refused = await Assert.ThrowsAsync<InfluxBackupException>(() => new BackupOperation(With("wrong secret")).PlanAsync(Cancel));
        var result = await Engine.BackupAsync(With("right secret"));

        Assert.Equal(ErrorKind.Security, refused.Kind);
        Assert.DoesNotContain("wrong secret", refused.FullMessage, StringComparison.Ordinal);
        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.DoesNotContain("right secret", await File.ReadAllTextAsync(result.ManifestPath!, Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_certificate_is_refused_unless_it_was_asked_to_be_skipped()
    {
        using var key = RSA.Create(2048);
        using var expired = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-20), DateTimeOffset.UtcNow.AddDays(-10));
        using var certificate = X509CertificateLoader.LoadPkcs12(expired.Export(X509ContentType.Pkcs12), null);
        await using var cluster = await SampleCluster.StartAsync(o => o with { UseTls = true, UseTlsOnDataNodes = true, Certificate = certificate });
        BackupOptions With(bool skip) => cluster.Backup with
        {
            Server = cluster.Access with
            {
                Meta = new MetaNodeOptions { UseTls = true, SkipCertificateCheck = skip },
                DataNodes = new SnapshotterOptions { UseTls = true, SkipCertificateCheck = skip },
            },
        };
        var onlyMeta = With(false) with { Server = cluster.Access with { Meta = new MetaNodeOptions { UseTls = true, SkipCertificateCheck = true }, DataNodes = new SnapshotterOptions { UseTls = true } } };

        var meta = await Assert.ThrowsAsync<InfluxBackupException>(() => new BackupOperation(With(false)).PlanAsync(Cancel));
        var data = await Assert.ThrowsAsync<InfluxBackupException>(() => new BackupOperation(onlyMeta).PlanAsync(Cancel));
        var skipped = await Engine.BackupAsync(With(true));

        Assert.Equal(ErrorKind.Security, meta.Kind);
        Assert.Equal("TlsFailed", data.Id);
        Assert.Equal(Outcome.Complete, skipped.Outcome);
    }

    [Fact]
    public async Task A_cancelled_backup_of_a_cluster_leaves_nothing()
    {
        await using var cluster = await SampleCluster.StartAsync();
        foreach (var node in cluster.Nodes.DataNodes)
        {
            node.Faults.Add(Fault.Slow(5_000), SnapshotterRequestType.ShardBackup);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var operation = new BackupOperation(cluster.Backup);
        var run = operation.RunAsync(await operation.PlanAsync(Cancel), stop.Token);
        await Task.Delay(500, Cancel);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal([BackupSetLock.FileName], Directory.GetFileSystemEntries(cluster.Set).Select(p => Path.GetFileName(p)));
    }

    private static ulong Source(BackupResult result, ShardKey shard) =>
        ManifestFile.Read(result.ManifestPath!).Files!.Single(f => f.ShardId == shard.Id).Owners!.Single(o => o.IsSource).NodeId;

    private static Fault Make(string how) => how switch
    {
        "cut in the middle" => Fault.CutAfter(3000),
        "reset" => Fault.Reset(1000),
        "hangs in the middle" => Fault.Stall(2000),
        "hangs at once" => Fault.Stall(),
        "short trailer" => Fault.ShortTrailer(),
        "busy" => Fault.Busy(),
        _ => throw new ArgumentOutOfRangeException(nameof(how)),
    };
}
