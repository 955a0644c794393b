using InfluxBackup.Metadata;
using InfluxBackup.Tests.BackupSets;

namespace InfluxBackup.Tests.Metadata;

/// <summary>Which shards are meant, and what is said when something named is not there.</summary>
public sealed class ShardSelectionTests
{
    /// <summary>Shards 1 to 5 cover 100 ns each, from their id times 100 on; 9 is of a deleted group.</summary>
    private static readonly ServerMetadata Known = Create();

    private static ServerMetadata Create()
    {
        var data = Sets.Metadata(new("a", "one", 1), new("a", "one", 2), new("a", "two", 3), new("b", "one", 4), new("b", "one", 5), new("b", "one", 9));
        data.Databases[1].RetentionPolicies[0].ShardGroups[2].DeletedAt = 7;
        return new ServerMetadata(data);
    }

    private static IEnumerable<ulong> Choose(ShardSelection selection, ServerMetadata? metadata = null) =>
        selection.Choose(metadata ?? Known, "the test").Select(s => s.Key.Id);

    private static DateTimeOffset At(long nanoseconds) => new(ShardTime.ToDateTime(nanoseconds));

    [Fact]
    public void Everything_is_all_but_deleted_groups_in_the_order_of_the_metadata()
    {
        Assert.True(ShardSelection.Everything.IsEverything);
        Assert.Equal([1UL, 2, 3, 4, 5], Choose(ShardSelection.Everything));
    }

    [Fact]
    public void Databases_policies_and_ids_narrow_the_choice()
    {
        Assert.Equal([1UL, 2, 3], Choose(new() { Databases = ["a"] }));
        Assert.Equal([3UL], Choose(new() { Databases = ["a"], RetentionPolicies = ["two"] }));
        Assert.Equal([1UL, 2, 3], Choose(new() { Databases = ["a"], RetentionPolicies = ["two", "one"] }));
        Assert.Equal([2UL, 4], Choose(new() { ShardIds = [4, 2] }));
        Assert.Equal([5UL], Choose(new() { Databases = ["b"], RetentionPolicies = ["one"], ShardIds = [5] }));
        Assert.False(new ShardSelection { ShardIds = [5] }.IsEverything);
    }

    [Theory]
    [InlineData(200L, null, new ulong[] { 2, 3, 4, 5 })]
    [InlineData(100L, null, new ulong[] { 1, 2, 3, 4, 5 })]
    [InlineData(600L, null, new ulong[0])]
    [InlineData(null, 200L, new ulong[] { 1, 2 })]
    [InlineData(null, 100L, new ulong[] { 1 })]
    [InlineData(null, 0L, new ulong[0])]
    [InlineData(300L, 400L, new ulong[] { 3, 4 })]
    public void A_group_ends_before_its_end_and_begins_at_its_start(long? start, long? end, ulong[] expected) =>
        Assert.Equal(expected, Choose(new() { Start = start is { } s ? At(s) : null, End = end is { } e ? At(e) : null }));

    [Fact]
    public void The_first_group_of_all_time_begins_before_everything()
    {
        var data = Sets.Metadata(new ShardKey("a", "one", 1));
        var group = data.Databases[0].RetentionPolicies[0].ShardGroups[0];
        (group.StartTime, group.EndTime) = (long.MaxValue - 5, long.MinValue + 1_000_000);
        var metadata = new ServerMetadata(data);
        Assert.Equal([1UL], Choose(new() { End = At(long.MinValue + 500) }, metadata));
        Assert.Equal([1UL], Choose(new() { Start = At(long.MinValue + 500) }, metadata));
        Assert.Equal([1UL], Choose(new() { Start = DateTimeOffset.MinValue, End = DateTimeOffset.MaxValue }, metadata));
        Assert.Empty(Choose(new() { Start = At(0) }, metadata));
    }

    [Fact]
    public void An_empty_or_reversed_time_range_is_refused()
    {
        Refused(new() { Start = At(100), End = At(100) }, "TimeRangeInvalid");
        Refused(new() { Start = At(200), End = At(100) }, "TimeRangeInvalid");
    }

    [Fact]
    public void A_policy_needs_its_one_database()
    {
        Refused(new() { RetentionPolicies = ["one"] }, "DatabaseRequired");
        Refused(new() { RetentionPolicies = ["one"], Databases = ["a", "b"] }, "DatabaseRequired");
    }

    [Fact]
    public void Who_names_what_is_not_there_is_told_what_is()
    {
        Assert.Equal("There are these databases: a, b.", Refused(new() { Databases = ["a", "c"] }, "DatabaseNotFound").Remedy);
        Refused(new() { Databases = ["A"] }, "DatabaseNotFound");
        Assert.Equal("There are these policies: one, two.", Refused(new() { Databases = ["a"], RetentionPolicies = ["one", "three"] }, "RetentionPolicyNotFound").Remedy);
        Assert.Equal("There are these shards: 1, 2, 3, 4, 5.", Refused(new() { ShardIds = [1, 77] }, "ShardNotFound").Remedy);
        Assert.Equal("There are these shards: 1, 2, 3.", Refused(new() { Databases = ["a"], ShardIds = [77] }, "ShardNotFound").Remedy);
        Assert.Contains("the test", Refused(new() { ShardIds = [77] }, "ShardNotFound").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_that_is_there_but_not_to_be_had_is_explained()
    {
        Assert.Contains("deleted", Refused(new() { ShardIds = [9] }, "ShardNotFound").Message, StringComparison.Ordinal);
        Assert.Contains("b.one", Refused(new() { Databases = ["a"], ShardIds = [4] }, "ShardNotFound").Message, StringComparison.Ordinal);
        Assert.Contains("outside", Refused(new() { Start = At(500), ShardIds = [1] }, "ShardNotFound").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_list_is_cut_and_an_empty_one_says_none()
    {
        var many = new ServerMetadata(Sets.Metadata(Enumerable.Range(1, 30).Select(i => new ShardKey("a", "one", (ulong)i)).ToArray()));
        var error = Assert.Throws<InfluxBackupException>(() => new ShardSelection { ShardIds = [99] }.Choose(many, "the test"));
        Assert.EndsWith("19, 20 and 10 more.", error.Remedy, StringComparison.Ordinal);
        error = Assert.Throws<InfluxBackupException>(() => new ShardSelection { Databases = ["x"] }.Choose(new ServerMetadata(Sets.Metadata()), "the test"));
        Assert.Equal("There are these databases: none.", error.Remedy);
    }

    private static InfluxBackupException Refused(ShardSelection selection, string id)
    {
        var error = Assert.Throws<InfluxBackupException>(() => selection.Choose(Known, "the test"));
        Assert.Equal(id, error.Id);
        return error;
    }
}
