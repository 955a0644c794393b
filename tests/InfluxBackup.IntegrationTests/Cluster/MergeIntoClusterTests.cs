using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.Emulator.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Cluster;

/// <summary>A backup of the sample merged into emulated clusters that have some of it, some of it changed, and more.</summary>
public sealed class MergeIntoClusterTests(SampleSet set) : IClassFixture<SampleSet>
{
    private const string Database = ClusterSample.ReplicatedTwice;
    private const long Day = 86_400_000_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(3, 2, MergePreference.Existing)]
    [InlineData(3, 2, MergePreference.Backup)]
    [InlineData(1, 1, MergePreference.Existing)]
    [InlineData(4, 3, MergePreference.Backup)]
    [InlineData(5, 2, MergePreference.Existing)]
    public async Task Every_owner_has_every_point_and_the_preferred_side_s_where_both_had_one(int dataNodes, int copies, MergePreference prefer)
    {
        await using var target = await ClusterWithOtherPointsAsync(dataNodes, copies);
        var existing = target.Cluster.ReadPoints(Database);
        var expected = Overlay(prefer == MergePreference.Existing ? [set.PointsOf(Database), existing] : [existing, set.PointsOf(Database)]);

        var result = await MergeAsync(set.To(target.Cluster, Database), prefer);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.True(result.NewGroupCount > 0);
        AssertHolds(target.Cluster, expected);
        // Nothing but points and files: no command to the meta nodes, and never the metadata import of single servers.
        Assert.DoesNotContain(target.Cluster.MetaNodes, n => n.Requests.Any(r => r.Target.StartsWith("/execute", StringComparison.Ordinal)));
        Assert.DoesNotContain(target.Cluster.DataNodes, n => n.Requests.Any(r => r.Type == SnapshotterRequestType.MetastoreUpdate));
    }

    [Fact]
    public async Task An_owner_that_fails_is_tried_again_and_the_others_are_not_sent_to_twice()
    {
        await using var target = await ClusterWithOtherPointsAsync(3, 3);
        var expected = Overlay([set.PointsOf(Database), target.Cluster.ReadPoints(Database)]);
        target.Cluster.DataNodes[1].Faults.Add(Fault.CutUploadAfter(700), SnapshotterRequestType.ShardUpdate, times: 3);
        target.Cluster.DataNodes[2].Faults.Add(Fault.IgnoreUpload(), SnapshotterRequestType.ShardUpdate, times: 1);

        var result = await MergeAsync(set.To(target.Cluster, Database), MergePreference.Existing);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Contains(result.Shards, s => s.Result.Attempts > 1);
        Assert.Equal(result.ShardCount, target.Cluster.DataNodes[0].Requests.Count(r => r.Type == SnapshotterRequestType.ShardUpdate));
        AssertHolds(target.Cluster, expected);
    }

    [Fact]
    public async Task An_owner_that_never_takes_a_shard_fails_it_and_the_same_merge_finishes_it_later()
    {
        await using var target = await ClusterWithOtherPointsAsync(3, 3);
        var expected = Overlay([set.PointsOf(Database), target.Cluster.ReadPoints(Database)]);
        target.Cluster.DataNodes[1].Faults.Add(Fault.IgnoreUpload(), SnapshotterRequestType.ShardUpdate);

        var broken = await MergeAsync(set.To(target.Cluster, Database) with { Retry = new TransferOptions { MaxAttempts = 1 } }, MergePreference.Existing);
        target.Cluster.DataNodes[1].Faults.Clear();
        var result = await MergeAsync(set.To(target.Cluster, Database), MergePreference.Existing);

        Assert.NotEqual(Outcome.Complete, broken.Outcome);
        Assert.All(broken.Shards, s => Assert.Equal("ShardNotOnAllOwners", s.Result.Error!.Id));
        Assert.Equal(Outcome.Complete, result.Outcome);
        AssertHolds(target.Cluster, expected);
    }

    [Fact]
    public async Task A_data_node_that_is_down_is_known_before_anything_is_done()
    {
        await using var target = await ClusterWithOtherPointsAsync(3, 2);
        var before = target.Cluster.ReadPoints(Database);
        await target.Cluster.DataNodes[1].KillAsync();

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => MergeAsync(set.To(target.Cluster, Database), MergePreference.Existing));

        Assert.Equal("DataNodeDown", error.Id);
        Assert.Contains(target.Cluster.DataNodes[1].Address, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, target.Cluster.ReadPoints(Database));
    }

    [Fact]
    public async Task The_plan_says_how_each_shard_goes_and_changes_nothing()
    {
        await using var target = await ClusterWithOtherPointsAsync(5, 2);
        var before = target.Cluster.Metadata.ReadBytes();

        var plan = await new MergeOperation(set.To(target.Cluster, Database), MergePreference.Existing).PlanAsync(Cancel);

        Assert.Empty(plan.Conflicts);
        Assert.Contains(plan.Shards, s => s.Way == MergeWay.CutBySeries && !s.CreatesGroup);
        Assert.Contains(plan.Shards, s => s.CreatesGroup && s.ShardId is null);
        Assert.Equal(before, target.Cluster.Metadata.ReadBytes());
        Assert.DoesNotContain(target.Cluster.DataNodes, n => n.HttpRequests.Any(r => r.Target.StartsWith("/write", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_field_of_another_type_stops_the_merge()
    {
        await using var target = await ClusterWithOtherPointsAsync(3, 2);
        target.Cluster.Write(Database, "daily", [new EmulatedPoint("cpu,host=odd", "ok", ClusterSample.Start + Day, 1.5)]);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => MergeAsync(set.To(target.Cluster, Database), MergePreference.Existing));

        Assert.Equal("FieldTypeConflict", error.Id);
        Assert.Contains("boolean", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_does_not_say_what_it_has_is_asked_again_so_that_the_backup_wins_all_the_same()
    {
        await using var target = await ClusterWithOtherPointsAsync(1, 1);
        var options = set.To(target.Cluster, Database);
        options = options with { Selection = options.Selection with { RetentionPolicies = ["daily"], Start = ShardTime.ToDateTime(ClusterSample.Start), End = ShardTime.ToDateTime(ClusterSample.Start + (Day / 2)) } };
        await MergeAsync(options, MergePreference.Backup);
        var expected = target.Cluster.ReadPoints(Database);
        MergeResult result;
        for (var round = 1; ; round++)
        {
            target.Cluster.Write(Database, "daily", [.. expected.Keys.Take(20).Select(p => new EmulatedPoint(p.Series, p.Field, p.Time, expected[p] is double d ? d + round : expected[p]))]);
            if (round == 3)
            {
                target.Cluster.DataNodes[0].Faults.Add(Fault.CutAfter(0), SnapshotterRequestType.RetentionPolicyInfo, times: 1);
            }

            result = await MergeAsync(options, MergePreference.Backup);
            if (round == 3)
            {
                break;
            }
        }

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Contains(result.Shards, s => s.Result.Attempts == 2);
        AssertHolds(target.Cluster, Overlay([target.Cluster.ReadPoints(Database), expected.Where(e => set.PointsOf(Database).ContainsKey(e.Key)).ToDictionary()]));
    }

    /// <summary>A day of the sample's points with other values, some of its series and one of its own, and none of the other policy's.</summary>
    private static async Task<TestCluster> ClusterWithOtherPointsAsync(int dataNodes, int copies)
    {
        var target = await TestCluster.EmptyAsync(o => o with { DataNodes = dataNodes });
        target.Cluster.Metadata.Edit(data =>
        {
            var database = new DatabaseInfo { Name = Database, DefaultRetentionPolicy = "daily" };
            foreach (var (name, days) in ((string, int)[])[("daily", 1), ("long term", 28)])
            {
                database.RetentionPolicies.Add(new RetentionPolicyInfo { Name = name, Duration = 0, ShardGroupDuration = days * Day, ReplicaN = (uint)copies });
            }

            data.Databases.Add(database);
        });
        var points = Enumerable.Range(0, 48).SelectMany(i => ((string[])["cpu,dc=nord,host=web01", "cpu,dc=süd,host=web02", "cpu,host=own"]).Select(
            s => new EmulatedPoint(s, "usage", ClusterSample.Start + (i * (Day / 48)), -1.5 - i)));
        target.Cluster.Write(Database, "daily", points);
        return target;
    }

    private static async Task<MergeResult> MergeAsync(RestoreOptions options, MergePreference prefer)
    {
        var operation = new MergeOperation(options, prefer);
        return await operation.RunAsync(await operation.PlanAsync(Cancel), Cancel);
    }

    private static Dictionary<(string, string, string, long), object> Overlay(
        IEnumerable<IReadOnlyDictionary<(string RetentionPolicy, string Series, string Field, long Time), object>> layers)
    {
        var all = new Dictionary<(string, string, string, long), object>();
        foreach (var (place, value) in layers.SelectMany(l => l))
        {
            all[place] = value;
        }

        return all;
    }

    /// <summary>Each owner of each shard has the same, each point is in its shard alone, and together they are what is expected.</summary>
    private static void AssertHolds(EmulatedCluster cluster, Dictionary<(string, string, string, long), object> expected)
    {
        var found = new Dictionary<(string, string, string, long), object>();
        foreach (var shard in ServerMetadata.Parse(cluster.Metadata.ReadBytes(), "cluster").Shards.Where(s => s.Key.Database == Database))
        {
            var copies = cluster.OwnersOf(shard.Key.Id).Select(o => o.ReadPoints(shard.Key)).ToList();
            Assert.All(copies, c => Assert.Equal(copies[0], c));
            foreach (var ((series, field, time), value) in copies[0])
            {
                Assert.True(found.TryAdd((shard.Key.RetentionPolicy, series, field, time), value));
            }
        }

        Assert.Equal(expected.Count, found.Count);
        Assert.All(expected, p => Assert.Equal(p.Value, found[p.Key]));
    }
}
