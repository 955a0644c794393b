using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Cluster;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Tests.Cluster;

/// <summary>From which of its owners a shard is read.</summary>
public sealed class OwnerChoiceTests
{
    private const long Second = 1_000_000_000;
    private const long Noon = 1_700_000_000 * Second;

    private static ShardCopy Copy(ulong id, long size = 1000, long modified = Noon) =>
        new(id, new DataNodeAddress($"node{id}", 8088)) { IsHeld = true, Size = size, LastModified = modified };

    private static ShardCopy Lacking(ulong id) => new(id, new DataNodeAddress($"node{id}", 8088)) { IsHeld = false };

    private static ShardCopy Unknown(ulong id) => new(id, new DataNodeAddress($"node{id}", 8088));

    private static ulong[] Order(IReadOnlyList<ShardCopy> copies, Func<ulong, OwnerStatus>? status = null, ulong preferred = 0) =>
        OwnerChoice.Order(copies, c => c.NodeId == preferred, c => status?.Invoke(c.NodeId) ?? default).Select(c => c.NodeId).ToArray();

    [Fact]
    public void The_freshest_copy_comes_first_and_an_older_one_of_another_size_waits() =>
        Assert.Equal([2UL], Order([Copy(1, 900, Noon - (90 * Second)), Copy(2)]));

    [Fact]
    public void Copies_written_to_within_a_minute_or_of_one_size_are_as_good_as_each_other()
    {
        Assert.Equal([2UL, 1UL], Order([Copy(1, 900, Noon - (30 * Second)), Copy(2)]));
        Assert.Equal([2UL, 1UL], Order([Copy(1, 1000, Noon - (9000 * Second)), Copy(2)]));
        Assert.Equal([1UL, 2UL], Order([Copy(1, 900, Noon - (30 * Second)), Copy(2)], id => new OwnerStatus(0, false, id == 2 ? 1 : 0)));
    }

    [Fact]
    public void A_fresh_copy_with_not_half_of_the_others_waits() => Assert.Equal([2UL], Order([Copy(1, 400, Noon + (9000 * Second)), Copy(2)]));

    [Fact]
    public void What_waits_is_taken_when_the_good_ones_failed_often_or_are_down()
    {
        ShardCopy[] copies = [Copy(1, 400), Copy(2)];
        Assert.Equal([2UL], Order(copies, id => new OwnerStatus(id == 2 ? 2 : 0, false, 0)));
        Assert.Equal([1UL, 2UL], Order(copies, id => new OwnerStatus(id == 2 ? 3 : 0, false, 0)));
        Assert.Equal([1UL, 2UL], Order(copies, id => new OwnerStatus(0, id == 2, 0)));
    }

    [Fact]
    public void The_preferred_node_comes_first_until_it_fails()
    {
        ShardCopy[] copies = [Copy(1), Copy(2), Copy(3, 100, Noon - (9000 * Second))];
        Assert.Equal([3UL, 2UL, 1UL], Order(copies, id => new OwnerStatus(0, false, id == 1 ? 1 : 0), preferred: 3));
        Assert.Equal(1UL, Order(copies, id => new OwnerStatus(id == 3 ? 1 : 0, false, 0), preferred: 3)[0]);
    }

    [Fact]
    public void A_copy_without_anything_is_no_choice_while_another_may_have_something()
    {
        Assert.Equal([2UL], Order([Lacking(1), Copy(2), Copy(3, 0)], _ => new OwnerStatus(50, true, 9)));
        Assert.Equal([2UL], Order([Lacking(1), Unknown(2), Copy(3, 0)], preferred: 1));
        Assert.Equal([3UL, 1UL], Order([Lacking(1), Copy(3, 0)]));
        Assert.Equal([1UL], Order([Lacking(1), new ShardCopy(2, null)]));
    }

    /// <summary>Whatever is known of the copies and nodes: one with something is offered if there is one, and then none without.</summary>
    [Fact]
    public void There_is_always_a_choice_where_a_node_may_have_something()
    {
        var copy =
            from id in Gen.Choose(1, 4)
            from held in Gen.Elements<bool?>(null, true, false)
            from size in Gen.Elements<long?>(null, 0, 18, 100, 1000, 100_000)
            from modified in Gen.Elements<long?>(null, Noon, Noon - (30 * Second), Noon - (9000 * Second))
            from isGone in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
            select new ShardCopy((ulong)id, isGone ? null : new DataNodeAddress($"node{id}", 8088)) { IsHeld = held, Size = held == true ? size : null, LastModified = held == true ? modified : null };
        var status =
            from failures in Gen.Choose(0, 6)
            from isDown in Gen.Elements(true, false)
            from load in Gen.Choose(0, 3)
            select new OwnerStatus(failures, isDown, load);
        var run =
            from copies in Gen.ListOf(copy, 4)
            from known in Gen.ListOf(status, 5)
            from preferred in Gen.Choose(0, 4)
            select (Copies: copies.DistinctBy(c => c.NodeId).ToList(), Known: known.ToList(), Preferred: (ulong)preferred);
        Prop.ForAll(run.ToArbitrary(), r =>
        {
            var order = OwnerChoice.Order(r.Copies, c => c.NodeId == r.Preferred, c => r.Known[(int)c.NodeId]);
            var reachable = r.Copies.Where(c => c.Node is not null).ToList();
            var full = reachable.Where(c => !c.IsEmpty).ToList();
            return order.Count > 0 == reachable.Count > 0
                && order.Distinct().Count() == order.Count
                && order.All(c => full.Count == 0 || !c.IsEmpty);
        }).QuickCheckThrowOnFailure();
    }
}
