using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>Whatever breaks: nothing is called complete that is not on every owner, what was created is named, and Resume finishes it.</summary>
public sealed class ClusterRestoreFaultTests(SampleSet set) : IClassFixture<SampleSet>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_that_is_down_at_the_start_is_a_conflict_before_anything_is_changed()
    {
        await using var target = await TestCluster.EmptyAsync();
        await target.Cluster.DataNodes[1].KillAsync();
        var before = target.Cluster.Metadata.ReadBytes();

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(set.To(target.Cluster)));

        Assert.Equal("DataNodeDown", error.Id);
        Assert.Contains(target.Cluster.DataNodes[1].Address, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, target.Cluster.Metadata.ReadBytes());
    }

    [Fact]
    public async Task A_partial_restore_says_which_owner_lacks_what_and_resume_sends_only_that()
    {
        await using var target = await TestCluster.EmptyAsync();
        var down = target.Cluster.DataNodes[1];
        await down.KillAsync();
        var options = set.To(target.Cluster, ClusterSample.ReplicatedTwice);

        var partial = await Engine.RestoreAsync(options with { AllowPartial = true });
        await down.RestartAsync();
        var uploads = target.Cluster.DataNodes.ToDictionary(n => n.NodeId, Uploads);
        var resumed = await Engine.RestoreAsync(options with { Resume = true });

        Assert.Equal(Outcome.Partial, partial.Outcome);
        Assert.All(partial.Shards, s => Assert.Equal(s.Owners.All(o => o.IsComplete), s.Result.Outcome == ShardOutcome.Complete));
        Assert.All(partial.Shards.SelectMany(s => s.Owners), o => Assert.Equal(o.NodeId != down.NodeId, o.IsComplete));
        Assert.Equal(Outcome.Complete, resumed.Outcome);
        Assert.All(target.Cluster.DataNodes.Where(n => n != down), n => Assert.Equal(uploads[n.NodeId], Uploads(n)));
        Assert.True(Uploads(down) > 0);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice);
    }

    [Fact]
    public async Task An_owner_that_dies_within_a_shard_does_not_stop_the_others_and_gets_it_once_it_is_back()
    {
        await using var target = await TestCluster.EmptyAsync();
        var failing = target.Cluster.DataNodes[0];
        failing.Faults.Add(Fault.CutUploadAfter(700), SnapshotterRequestType.ShardUpdate, times: 6);

        var result = await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedThrice) with { Retry = Engine.FastRetry with { MaxAttempts = 8 } });

        Assert.Equal(Outcome.Complete, result.Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedThrice);
        // What is repeated goes to the one that lacks it, and to nobody else.
        Assert.Equal(result.Shards.Count, Uploads(target.Cluster.DataNodes[1]));
        Assert.True(Uploads(failing) > result.Shards.Count);
    }

    [Fact]
    public async Task An_owner_that_forgets_its_uploads_never_gets_a_shard_called_complete()
    {
        await using var target = await TestCluster.EmptyAsync();
        target.Cluster.DataNodes[2].Faults.Add(Fault.IgnoreUpload(), SnapshotterRequestType.ShardUpdate);

        var result = await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedThrice) with { Retry = Engine.FastRetry with { MaxAttempts = 2 } });

        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.All(result.Shards, s => Assert.Equal("ShardNotOnAllOwners", s.Result.Error!.Id));
        Assert.All(result.Shards.SelectMany(s => s.Owners), o => Assert.Equal(o.NodeId != target.Cluster.DataNodes[2].NodeId, o.IsComplete));
        Assert.Contains(result.Warnings, w => w.Contains("-Resume", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_sent_before_the_shard_exists_on_its_owner()
    {
        await using var target = await TestCluster.EmptyAsync();
        target.Cluster.DataNodes[0].Faults.Add(new FaultRule(Fault.Answer(1, "no such thing")) { Service = FaultedService.Coordinator, Times = 3 });

        var result = await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedThrice) with { Retry = Engine.FastRetry with { MaxAttempts = 6 } });

        Assert.Equal(Outcome.Complete, result.Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedThrice);
        foreach (var node in target.Cluster.DataNodes)
        {
            Assert.Equal(result.Shards.Select(s => s.Target!.Id).Order(), node.CoordinatorRequests.Select(r => r.ShardId).Distinct().Order());
        }
    }

    [Fact]
    public async Task A_leader_that_is_lost_while_databases_are_made_is_waited_for()
    {
        await using var target = await TestCluster.EmptyAsync(o => o with { ElectionTime = TimeSpan.FromMilliseconds(500) });
        var leader = target.Cluster.MetaNodes.Single(n => n.IsLeader);
        var run = Engine.RestoreAsync(set.To(target.Cluster));
        while (!leader.Requests.Any(r => r.Command == 9))
        {
            await Task.Delay(1, Cancel);
        }

        await leader.KillAsync();
        var result = await run;

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.All(SampleSet.Databases, d => set.AssertOnEveryOwner(target.Cluster, d));
    }

    [Fact]
    public async Task Commands_whose_answers_get_lost_are_not_done_twice()
    {
        await using var target = await TestCluster.EmptyAsync();
        foreach (var node in target.Cluster.MetaNodes)
        {
            node.Faults.AddHttp(Fault.LoseAnswer(), "/execute", times: 3);
        }

        var result = await Engine.RestoreAsync(set.To(target.Cluster));

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.All(SampleSet.Databases, d => set.AssertOnEveryOwner(target.Cluster, d));
    }

    [Fact]
    public async Task A_cluster_without_a_leader_is_an_error_that_says_that_nothing_was_created()
    {
        await using var target = await TestCluster.EmptyAsync();
        var options = set.To(target.Cluster, ClusterSample.ReplicatedThrice);
        options = options with { Server = SampleSet.Access(target.Cluster) with { Meta = new() { Patience = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(2) } } };
        var log = new RecordedLog();
        var operation = new RestoreOperation(options with { Logger = log });
        var plan = await operation.PlanAsync(Cancel);
        target.Cluster.LoseLeader();

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => operation.RunAsync(plan, Cancel));

        Assert.Equal("NoLeader", error.Id);
        Assert.Contains(log.Warnings, w => w.Contains("had created nothing", StringComparison.Ordinal));
        Assert.Empty(target.Cluster.Metadata.Read().Databases);
    }

    [Fact]
    public async Task A_cancelled_restore_says_what_it_created_and_resume_finishes_it()
    {
        await using var target = await TestCluster.EmptyAsync();
        foreach (var node in target.Cluster.DataNodes)
        {
            node.Faults.Add(Fault.Slow(20_000), SnapshotterRequestType.ShardUpdate);
        }

        var log = new RecordedLog();
        var options = set.To(target.Cluster, ClusterSample.ReplicatedTwice) with { Logger = log };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var operation = new RestoreOperation(options);
        var run = operation.RunAsync(await operation.PlanAsync(Cancel), stop.Token);
        while (target.Cluster.DataNodes.Sum(Uploads) < 3)
        {
            await Task.Delay(5, Cancel);
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        foreach (var node in target.Cluster.DataNodes)
        {
            node.Faults.Clear();
            await node.WaitUntilIdleAsync(TimeSpan.FromSeconds(5));
        }

        Assert.Contains(log.Warnings, w => w.Contains("database 'metrics'", StringComparison.Ordinal) && w.Contains("retention policy 'long term'", StringComparison.Ordinal) && w.Contains("shard group", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(options));
        Assert.Equal("DatabaseExists", error.Id);
        var result = await Engine.RestoreAsync(options with { Resume = true });
        Assert.Equal(Outcome.Complete, result.Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_restore_that_ends_after_any_command_is_finished_by_resume(int commands)
    {
        await using var target = await TestCluster.EmptyAsync();
        foreach (var node in target.Cluster.MetaNodes)
        {
            node.Faults.AddHttp(Fault.Answer(500, "out of disk"), "/execute", from: commands);
        }

        var options = set.To(target.Cluster, ClusterSample.ReplicatedTwice);
        var log = new RecordedLog();
        _ = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(options with { Logger = log }));
        foreach (var node in target.Cluster.MetaNodes)
        {
            node.Faults.Clear();
        }

        var result = await Engine.RestoreAsync(options with { Resume = true });

        Assert.Equal(target.Cluster.Metadata.Read().Databases.Count > 0 && commands > 1, log.Warnings.Any(w => w.Contains("It had created: database 'metrics'", StringComparison.Ordinal)));
        Assert.Equal(Outcome.Complete, result.Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice);
    }

    [Fact]
    public async Task Of_two_restores_of_one_database_at_once_one_does_it_all_and_the_other_nothing()
    {
        await using var target = await TestCluster.EmptyAsync();
        var options = set.To(target.Cluster, ClusterSample.ReplicatedTwice);
        var first = new RestoreOperation(options);
        var second = new RestoreOperation(options);
        var plans = (await first.PlanAsync(Cancel), await second.PlanAsync(Cancel));

        var runs = new[] { first.RunAsync(plans.Item1, Cancel), second.RunAsync(plans.Item2, Cancel) };
        await Task.WhenAny(Task.WhenAll(runs), Task.Delay(TimeSpan.FromSeconds(60), Cancel));

        var failed = Assert.Single(runs, r => r.IsFaulted);
        Assert.Contains(((InfluxBackupException)failed.Exception!.InnerException!).Id, (string[])["RestoreInProgress", "DatabaseExists"]);
        Assert.Equal(Outcome.Complete, (await runs.Single(r => r != failed)).Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice);
    }

    [Fact]
    public async Task A_restore_from_another_machine_keeps_this_one_out()
    {
        await using var target = await TestCluster.EmptyAsync();
        using var other = SampleSet.Access(target.Cluster).CreateMetaClient(new RecordedLog());
        Assert.True(await other.TryTakeLeaseAsync($"influxbackup-restore/{ClusterSample.ReplicatedTwice}", 4711, Cancel));

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedTwice)));

        Assert.Equal("RestoreInProgress", error.Id);
        Assert.Empty(target.Cluster.Metadata.Read().Databases);
        Assert.Equal(Outcome.Complete, (await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedThrice))).Outcome);
    }

    [Fact]
    public async Task Restores_of_different_databases_go_side_by_side()
    {
        await using var target = await TestCluster.EmptyAsync();

        var results = await Task.WhenAll(SampleSet.Databases.Select(d => Engine.RestoreAsync(set.To(target.Cluster, d))));

        Assert.All(results, r => Assert.Equal(Outcome.Complete, r.Outcome));
        Assert.All(SampleSet.Databases, d => set.AssertOnEveryOwner(target.Cluster, d));
    }

    [Fact]
    public async Task A_user_that_the_cluster_refuses_makes_the_restore_partial()
    {
        await using var target = await TestCluster.EmptyAsync();
        foreach (var node in target.Cluster.MetaNodes)
        {
            node.Faults.AddHttp(Fault.Answer(500, "out of disk"), "/execute", command: 13);
        }

        var result = await Engine.RestoreAsync(set.To(target.Cluster));

        Assert.Equal(Outcome.Partial, result.Outcome);
        var user = result.Objects.Single(o => o.Kind == RestoredObjectKind.User);
        Assert.True(user.IsFailed);
        Assert.Contains("out of disk", user.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nonsense_in_place_of_a_query_is_named_and_never_sent()
    {
        await using var source = await TestCluster.SampleAsync();
        source.Cluster.Metadata.Edit(d => d.Databases.Single(b => b.Name == ClusterSample.ReplicatedTwice).ContinuousQueries.Add(new ContinuousQueryInfo { Name = "odd", Query = "DROP DATABASE metrics" }));
        using var directory = new TemporaryDirectory();
        await Engine.BackupAsync(new BackupOptions { Server = SampleSet.Access(source.Cluster), Path = directory, Retry = Engine.FastRetry });
        await using var target = await TestCluster.EmptyAsync();

        var result = await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedTwice) with { Path = directory });

        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.False(result.Objects.Single(o => o.Name == "odd").IsRestored);
        Assert.Equal("cpu_1d", Assert.Single(target.Cluster.Metadata.Read().Databases.Single().ContinuousQueries).Name);
    }

    private static int Uploads(EmulatedDataNode node) => node.Requests.Count(r => r.Type == SnapshotterRequestType.ShardUpdate);

    private sealed class RecordedLog : ILogger
    {
        private readonly List<string> warnings = [];

        public IReadOnlyList<string> Warnings
        {
            get
            {
                lock (warnings)
                {
                    return [.. warnings];
                }
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                lock (warnings)
                {
                    warnings.Add(formatter(state, exception));
                }
            }
        }
    }
}
