using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Cluster;

public sealed class RestoreToClusterTests(SampleSet set) : IClassFixture<SampleSet>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Every_owner_of_every_shard_gets_every_point_whatever_the_size_of_the_cluster(int dataNodes)
    {
        await using var target = await TestCluster.EmptyAsync(o => o with { DataNodes = dataNodes });

        var result = await Engine.RestoreAsync(set.To(target.Cluster));

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(SampleSet.Databases.Order(), result.Databases.Order());
        Assert.All(SampleSet.Databases, d => set.AssertOnEveryOwner(target.Cluster, d));
        Assert.All(result.Shards, s => Assert.All(s.Owners, o => Assert.True(o.IsComplete)));
        Assert.True(result.DeletesApplied > 0);
        Assert.DoesNotContain(target.Cluster.DataNodes, n => n.Requests.Any(r => r.Type == SnapshotterRequestType.MetastoreUpdate));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Another_replication_places_the_points_anew(int replication)
    {
        await using var target = await TestCluster.EmptyAsync();

        var result = await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedTwice) with { NewReplicationFactor = replication, NewDatabase = "other" });

        Assert.Equal(Outcome.Complete, result.Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedTwice, "other");
        var policies = target.Cluster.Metadata.Read().Databases.Single(d => d.Name == "other").RetentionPolicies;
        Assert.All(policies, p => Assert.Equal((uint)replication, p.ReplicaN));
        Assert.All(result.Shards, s => Assert.Equal(replication, s.Owners.Count));
    }

    [Fact]
    public async Task More_copies_than_nodes_become_as_many_as_there_are_and_the_plan_says_so()
    {
        await using var target = await TestCluster.EmptyAsync(o => o with { DataNodes = 2 });
        var options = set.To(target.Cluster, ClusterSample.ReplicatedThrice);

        var plan = await new RestoreOperation(options).PlanAsync(Cancel);
        var result = await Engine.RestoreAsync(options);

        Assert.Contains(plan.Warnings, w => w.Contains("3 copies", StringComparison.Ordinal) && w.Contains("2 data nodes", StringComparison.Ordinal));
        Assert.Equal(Outcome.Complete, result.Outcome);
        set.AssertOnEveryOwner(target.Cluster, ClusterSample.ReplicatedThrice);
    }

    [Fact]
    public async Task A_plan_changes_nothing()
    {
        await using var target = await TestCluster.EmptyAsync();
        var before = target.Cluster.Metadata.ReadBytes();

        var plan = await new RestoreOperation(set.To(target.Cluster)).PlanAsync(Cancel);

        Assert.Empty(plan.Conflicts);
        Assert.Equal(before, target.Cluster.Metadata.ReadBytes());
        Assert.DoesNotContain(target.Cluster.MetaNodes, n => n.Requests.Any(r => r.Method == "POST"));
    }

    [Fact]
    public async Task An_existing_database_is_a_conflict_and_stays_as_it_is()
    {
        await using var target = await TestCluster.SampleAsync();
        var before = target.Cluster.Metadata.ReadBytes();

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedTwice)));

        Assert.Equal("DatabaseExists", error.Id);
        Assert.Equal(before, target.Cluster.Metadata.ReadBytes());
    }

    [Fact]
    public async Task Resume_does_not_write_into_a_database_of_somebody_else()
    {
        await using var target = await TestCluster.EmptyAsync();
        target.Cluster.Metadata.Edit(d => d.Databases.Add(new DatabaseInfo
        {
            Name = ClusterSample.ReplicatedThrice,
            DefaultRetentionPolicy = "theirs",
            RetentionPolicies = { new RetentionPolicyInfo { Name = "theirs", Duration = 0, ShardGroupDuration = 3_600_000_000_000, ReplicaN = 1 } },
        }));

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedThrice) with { Resume = true }));

        Assert.Equal("ResumeMismatch", error.Id);
        Assert.Contains("theirs", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("000000009-000000002.tsm")] // As a compaction names what it writes; nothing was sent that it could be of.
    public async Task Resume_leaves_a_shard_alone_that_holds_other_files(string? name)
    {
        await using var target = await TestCluster.EmptyAsync();
        var options = set.To(target.Cluster, ClusterSample.ReplicatedThrice);
        var first = await Engine.RestoreAsync(options);
        var shard = first.Shards[0].Target!;
        var owner = target.Cluster.OwnersOf(shard.Id)[0];
        foreach (var file in Directory.GetFiles(owner.ShardDirectory(shard)))
        {
            File.Delete(file);
        }

        owner.AddPoints(shard, [new EmulatedPoint("stock,item=new", "count", ClusterSample.Start, 1L)]);
        if (name is not null)
        {
            File.Move(Directory.GetFiles(owner.ShardDirectory(shard), "*.tsm").Single(), Path.Combine(owner.ShardDirectory(shard), name));
        }

        var result = await Engine.RestoreAsync(options with { Resume = true });

        var failed = Assert.Single(result.Shards, s => s.Result.Outcome == ShardOutcome.Failed);
        Assert.Equal(shard, failed.Target);
        Assert.Equal("ShardHoldsOtherFiles", failed.Owners.Single(o => !o.IsComplete).Error!.Id);
        Assert.Equal(1L, Assert.Single(owner.ReadPoints(shard)).Value);
        Assert.Equal(Outcome.Partial, result.Outcome);
    }

    [Fact]
    public async Task A_whole_restore_brings_users_with_their_passwords_grants_and_queries()
    {
        await using var target = await TestCluster.EmptyAsync();

        var result = await Engine.RestoreAsync(set.To(target.Cluster));

        var data = target.Cluster.Metadata.Read();
        var user = Assert.Single(data.Users);
        Assert.Equal(ClusterSample.User, user.Name);
        Assert.StartsWith("$2a$10$S6xm", user.Hash, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(user.Privileges).Privilege);
        Assert.Equal("cpu_1d", Assert.Single(data.Databases.Single(d => d.Name == ClusterSample.ReplicatedTwice).ContinuousQueries).Name);
        Assert.All(result.Objects, o => Assert.True(o.IsRestored, o.Reason));
        Assert.DoesNotContain(result.Objects, o => o.ToString().Contains("$2a", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_renamed_database_has_its_grants_and_queries_under_the_new_name_and_existing_users_stay()
    {
        await using var target = await TestCluster.EmptyAsync();
        const string theirs = "$2a$10$0000000000000000000000000000000000000000000000000000u";
        target.Cluster.Metadata.Edit(d => d.Users.Add(new UserInfo { Name = ClusterSample.User, Hash = theirs, Admin = false }));

        var result = await Engine.RestoreAsync(set.To(target.Cluster, ClusterSample.ReplicatedTwice) with { NewDatabase = "new metrics" });

        var data = target.Cluster.Metadata.Read();
        Assert.Equal(theirs, data.Users.Single().Hash);
        Assert.Equal("new metrics", data.Users.Single().Privileges.Single().Database);
        Assert.Contains("ON \"new metrics\"", data.Databases.Single().ContinuousQueries.Single().Query, StringComparison.Ordinal);
        var user = Assert.Single(result.Objects, o => o.Kind == RestoredObjectKind.User);
        Assert.False(user.IsRestored);
        Assert.Contains("left as it is", user.Reason, StringComparison.Ordinal);
        Assert.Equal(Outcome.Complete, result.Outcome);
    }

    [Fact]
    public async Task A_policy_has_another_name_and_duration_where_that_is_wanted()
    {
        await using var target = await TestCluster.EmptyAsync();

        var result = await Engine.RestoreAsync(set.To(target.Cluster) with
        {
            Selection = new ShardSelection { Databases = [ClusterSample.ReplicatedTwice], RetentionPolicies = ["daily"] },
            NewRetentionPolicy = "days",
            NewDuration = TimeSpan.FromDays(20_000),
        });

        var policy = Assert.Single(target.Cluster.Metadata.Read().Databases.Single().RetentionPolicies);
        Assert.Equal(("days", 20_000L * 86_400_000_000_000), (policy.Name, policy.Duration));
        Assert.Equal(Outcome.Complete, result.Outcome);
    }

    [Fact]
    public async Task Data_that_the_policy_would_delete_at_once_are_warned_of()
    {
        await using var target = await TestCluster.EmptyAsync();

        var plan = await new RestoreOperation(set.To(target.Cluster, ClusterSample.ReplicatedThrice) with { NewDuration = TimeSpan.FromDays(30) }).PlanAsync(Cancel);

        Assert.Contains(plan.Warnings, w => w.Contains("older than the policy's duration", StringComparison.Ordinal) && w.Contains("-NewDuration", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metadata_alone_are_restored_without_a_shard()
    {
        await using var target = await TestCluster.EmptyAsync();

        var result = await Engine.RestoreAsync(set.To(target.Cluster) with { MetadataOnly = true });

        Assert.Empty(result.Shards);
        Assert.Equal(Outcome.Complete, result.Outcome);
        var data = target.Cluster.Metadata.Read();
        Assert.Equal(SampleSet.Databases.Order(), data.Databases.Select(d => d.Name).Order());
        Assert.Equal(["daily", "long term"], data.Databases.Single(d => d.Name == ClusterSample.ReplicatedTwice).RetentionPolicies.Select(p => p.Name));
        Assert.Single(data.Users);
    }

    [Fact]
    public async Task A_single_shard_comes_with_its_group_alone()
    {
        await using var target = await TestCluster.EmptyAsync();
        var listed = CatalogOperation.ReadRestorePoint(set.Path, null, false, new ShardSelection { Databases = [ClusterSample.ReplicatedThrice] }).Shards;

        var result = await Engine.RestoreAsync(set.To(target.Cluster) with { Selection = new ShardSelection { ShardIds = [listed[0].ShardId] } });

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Single(target.Cluster.Metadata.Read().Databases.Single().RetentionPolicies.Single().ShardGroups);
    }

    [Fact]
    public async Task A_backup_of_a_cluster_goes_to_a_single_server_too()
    {
        await using var target = await Faults.SampleNode.StartAsync(withSample: false);

        var result = await Engine.RestoreAsync(target.Restore(set.Path));

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.All(result.Shards, s => Assert.NotEmpty(target.FilesOf(s.Target!)));
        Assert.All(target.Node.Metadata.Read().Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards), s => Assert.Empty(s.Owners));
    }

    [Fact]
    public async Task A_single_servers_backup_goes_to_a_cluster()
    {
        await using var source = await Faults.SampleNode.StartAsync();
        await Engine.BackupAsync(source.Backup);
        await using var target = await TestCluster.EmptyAsync();

        var result = await Engine.RestoreAsync(set.To(target.Cluster) with { Path = source.Set, IncludeMetadata = true });

        Assert.Equal(Outcome.Complete, result.Outcome);
        var expected = source.Node.Metadata.Read().Databases.SelectMany(d => d.RetentionPolicies.SelectMany(p => p.ShardGroups.SelectMany(g => g.Shards).Select(s => new ShardKey(d.Name, p.Name, s.ID))))
            .SelectMany(k => source.Node.ReadPoints(k).Select(p => (k.Database, k.RetentionPolicy, p.Key, p.Value))).ToHashSet();
        var found = expected.Select(e => e.Database).Distinct().SelectMany(d => target.Cluster.ReadPoints(d)
            .Select(p => (d, p.Key.RetentionPolicy, (p.Key.Series, p.Key.Field, p.Key.Time), p.Value))).ToHashSet();
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Count, found.Count);
        Assert.Subset(expected, found);
    }
}
