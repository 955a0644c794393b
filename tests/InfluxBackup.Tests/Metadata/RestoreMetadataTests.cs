using Google.Protobuf;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.BackupSets;

namespace InfluxBackup.Tests.Metadata;

/// <summary>The metadata of a restore hold what is wanted, under its new names, and nothing else.</summary>
public sealed class RestoreMetadataTests
{
    private static readonly ShardKey[] Shards =
    [
        new("a", "one", 1), new("a", "one", 2), new("a", "two", 3), new("b", "one", 4), new("b", "one", 5), new("_internal", "monitor", 6),
    ];

    private static ServerMetadata Source()
    {
        var data = Sets.Metadata(Shards);
        var policy = data.Databases[0].RetentionPolicies[0];
        policy.Duration = 12345;
        policy.ReplicaN = 3;
        policy.Subscriptions.Add(new SubscriptionInfo { Name = "s", Mode = "ANY", Destinations = { "udp://x:1" } });
        policy.ShardGroups[0].TruncatedAt = 150;
        policy.ShardGroups[0].Shards[0].Owners.Add(new ShardOwner { NodeID = 4 });
        policy.ShardGroups[0].Shards[0].OwnerIDs.Add(9);
        data.Databases[0].DefaultRetentionPolicy = "two";
        data.Databases[0].ContinuousQueries.Add(new ContinuousQueryInfo { Name = "q", Query = "CREATE" });
        data.Users.Add(new UserInfo { Name = "u", Hash = "secret", Admin = true });
        data.DataNodes.Add(new NodeInfo { ID = 1 });
        return new ServerMetadata(data);
    }

    private static Data Create(string[] databases, string[]? policies = null, ulong[]? shards = null, string? newDatabase = null, string? newPolicy = null)
    {
        var created = RestoreMetadata.Create(
            Source(), databases, policies ?? [], (shards ?? Shards.Select(s => s.Id)).ToHashSet(), newDatabase, newPolicy);
        Assert.True(created.IsInitialized(), "A server refuses metadata that lack a required field.");
        return created;
    }

    private static IEnumerable<ulong> Ids(Data data) =>
        data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards).Select(s => s.ID);

    [Fact]
    public void Only_the_databases_and_shards_asked_for_are_there()
    {
        var created = Create(["b", "a"], shards: [2, 3, 5, 6]);
        Assert.Equal(["a", "b"], created.Databases.Select(d => d.Name));
        Assert.Equal([2UL, 3, 5], Ids(created));
        Assert.DoesNotContain(created.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups), g => g.Shards.Count == 0);
        Assert.Equal(["one", "two"], created.Databases[0].RetentionPolicies.Select(p => p.Name));
    }

    [Fact]
    public void Policies_without_shards_come_along() =>
        Assert.Equal(["one", "two"], Create(["a"], shards: []).Databases[0].RetentionPolicies.Select(p => p.Name));

    [Fact]
    public void Maxima_are_those_of_what_is_there()
    {
        var created = Create(["a"], shards: [1, 3]);
        Assert.Equal((3UL, 1003UL, 0UL), (created.MaxShardID, created.MaxShardGroupID, created.MaxNodeID));
        var empty = Create(["a"], shards: []);
        Assert.Equal((0UL, 0UL), (empty.MaxShardID, empty.MaxShardGroupID));
    }

    [Fact]
    public void Users_queries_nodes_and_owners_stay_behind()
    {
        var created = Create(["a"]);
        Assert.Empty(created.Users);
        Assert.Empty(created.DataNodes);
        Assert.Empty(created.Databases[0].ContinuousQueries);
        Assert.All(
            created.Databases[0].RetentionPolicies.SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards),
            s => Assert.Equal(0, s.Owners.Count + s.OwnerIDs.Count));
    }

    [Fact]
    public void The_rest_of_a_policy_is_as_it_was()
    {
        var policy = Create(["a"]).Databases[0].RetentionPolicies[0];
        Assert.Equal((12345L, 100L, 3U), (policy.Duration, policy.ShardGroupDuration, policy.ReplicaN));
        Assert.Equal("s", Assert.Single(policy.Subscriptions).Name);
        var group = policy.ShardGroups[0];
        Assert.Equal((1001UL, 100L, 200L, 0L, 150L), (group.ID, group.StartTime, group.EndTime, group.DeletedAt, group.TruncatedAt));
    }

    [Fact]
    public void A_database_is_renamed()
    {
        var created = Assert.Single(Create(["a"], newDatabase: "new").Databases);
        Assert.Equal(("new", "two"), (created.Name, created.DefaultRetentionPolicy));
    }

    [Theory]
    [InlineData("two", null, "two")]
    [InlineData("one", null, "one")]
    [InlineData("two", "new", "new")]
    [InlineData("one", "new", "new")]
    public void The_one_policy_chosen_becomes_the_default(string chosen, string? renamed, string name)
    {
        var created = Create(["a"], [chosen], newPolicy: renamed).Databases[0];
        Assert.Equal(name, Assert.Single(created.RetentionPolicies).Name);
        Assert.Equal(name, created.DefaultRetentionPolicy);
    }

    [Fact]
    public void The_default_stays_where_it_is_among_those_chosen()
    {
        Assert.Equal("two", Create(["a"], ["one", "two"]).Databases[0].DefaultRetentionPolicy);
        Assert.Equal("two", Create(["a"]).Databases[0].DefaultRetentionPolicy);
    }

    [Fact]
    public void The_source_is_not_changed()
    {
        var source = Source();
        var before = source.Data.Clone();
        RestoreMetadata.Create(source, ["a"], ["one"], new HashSet<ulong> { 1 }, "x", "y");
        Assert.Equal(before, source.Data);
    }

    [Theory]
    [InlineData(400 * 24, 24, 24)]
    [InlineData(24, 168, 1)]
    [InlineData(30 * 24, 24 * 60, 24)]
    [InlineData(200 * 24, 24 * 365, 168)]
    [InlineData(0, 168, 168)]
    public void A_new_duration_makes_groups_shorter_where_they_would_not_fit(int hours, int groupHours, int expectedHours)
    {
        var data = Create(["a"]);
        foreach (var policy in data.Databases[0].RetentionPolicies)
        {
            policy.ShardGroupDuration = TimeSpan.FromHours(groupHours).Ticks * 100;
        }

        RestoreMetadata.SetDuration(data, TimeSpan.FromHours(hours));

        Assert.All(data.Databases[0].RetentionPolicies, p => Assert.Equal(
            (TimeSpan.FromHours(hours).Ticks * 100, TimeSpan.FromHours(expectedHours).Ticks * 100), (p.Duration, p.ShardGroupDuration)));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(-1)]
    [InlineData(24.0 * 365 * 300)]
    public void A_duration_that_no_server_accepts_is_an_error(double hours)
    {
        var error = Assert.Throws<InfluxBackupException>(() => RestoreMetadata.SetDuration(Create(["a"]), TimeSpan.FromHours(hours)));
        Assert.Equal("DurationInvalid", error.Id);
    }

    [Fact]
    public void Shards_that_are_removed_take_empty_groups_with_them()
    {
        var data = Create(["a"]);
        var groups = data.Databases[0].RetentionPolicies.SelectMany(p => p.ShardGroups).ToList();
        var gone = groups[0].Shards.Select(s => s.ID).ToHashSet();

        RestoreMetadata.RemoveShards(data, gone);

        Assert.Equal(groups.Skip(1), data.Databases[0].RetentionPolicies.SelectMany(p => p.ShardGroups));
    }
}
