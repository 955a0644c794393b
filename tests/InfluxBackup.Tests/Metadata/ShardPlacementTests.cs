using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Metadata;

/// <summary>Each point has one place, and it is the one that the target's server would choose.</summary>
public sealed class ShardPlacementTests
{
    private const long Hour = 3_600_000_000_000;

    private static string Describe(ShardPiece piece) =>
        $"{piece.Source.Id}{(piece.Times is { } t ? $" {End(t.Min)}..{End(t.Max)}" : "")}{(piece.Slots > 1 ? $" {piece.Slot}/{piece.Slots}" : "")}";

    private static string End(long time) => time is long.MinValue or long.MaxValue ? "" : $"{time}";

    private static List<string> Describe(ShardPlacement placement) =>
        placement.Targets.Select(t => $"{t.Key.Id}: {string.Join(", ", t.Pieces.Select(Describe))}").ToList();

    private static ShardPlacement Place(ShardGroupInfo[] source, ShardGroupInfo[] target, long duration = 100) =>
        Groups.Place(Groups.Metadata(duration, source), Groups.Metadata(duration, target));

    [Fact]
    public void The_same_groups_take_whole_shards()
    {
        var placement = Place([Groups.Of(1, 0, 100, 11, 12, 13), Groups.Of(2, 100, 200, 14)], [Groups.Of(5, 0, 100, 51, 52, 53), Groups.Of(6, 100, 200, 54)]);
        Assert.Equal(["51: 11", "52: 12", "53: 13", "54: 14"], Describe(placement));
        Assert.All(placement.Targets, t => Assert.True(t.IsOneWhole));
        Assert.True(placement.IsComplete);
        Assert.Empty(placement.MissingGroups);
    }

    [Fact]
    public void Shards_of_a_group_come_together_whole_where_the_numbers_allow_it()
    {
        Assert.Equal(["51: 11, 12, 13"], Describe(Place([Groups.Of(1, 0, 100, 11, 12, 13)], [Groups.Of(5, 0, 100, 51)])));
        Assert.Equal(["51: 11, 13", "52: 12, 14"], Describe(Place([Groups.Of(1, 0, 100, 11, 12, 13, 14)], [Groups.Of(5, 0, 100, 51, 52)])));
    }

    [Fact]
    public void Shards_are_cut_by_series_where_they_do_not()
    {
        Assert.Equal(["51: 11 0/2", "52: 11 1/2"], Describe(Place([Groups.Of(1, 0, 100, 11)], [Groups.Of(5, 0, 100, 51, 52)])));
        Assert.Equal(
            ["51: 11 0/2, 12 0/2, 13 0/2", "52: 11 1/2, 12 1/2, 13 1/2"], Describe(Place([Groups.Of(1, 0, 100, 11, 12, 13)], [Groups.Of(5, 0, 100, 51, 52)])));
    }

    [Fact]
    public void Shards_are_cut_by_time_and_the_outer_pieces_take_stray_points()
    {
        Assert.Equal(["51: 11 ..49", "52: 11 50.."], Describe(Place([Groups.Of(1, 0, 100, 11)], [Groups.Of(5, 0, 50, 51), Groups.Of(6, 50, 100, 52)])));
        Assert.Equal(["51: 11, 12"], Describe(Place([Groups.Of(1, 0, 50, 11), Groups.Of(2, 50, 100, 12)], [Groups.Of(5, 0, 100, 51)])));
        Assert.Equal(
            ["51: 11 ..49 0/2", "52: 11 ..49 1/2", "53: 11 50.."],
            Describe(Place([Groups.Of(1, 0, 100, 11)], [Groups.Of(5, -100, 50, 51, 52), Groups.Of(6, 50, 300, 53)])));
    }

    [Fact]
    public void Deleted_groups_of_the_target_and_those_without_shards_take_nothing()
    {
        var deleted = Groups.Of(5, 0, 100, 51);
        deleted.DeletedAt = 1;
        Assert.Equal(["52: 11"], Describe(Place([Groups.Of(1, 0, 100, 11)], [deleted, Groups.Of(6, 0, 100), Groups.Of(7, 0, 100, 52)])));
    }

    [Fact]
    public void Truncated_groups_of_the_target_take_nothing_from_then_on()
    {
        var truncated = Groups.Of(5, 0, 100, 51);
        truncated.TruncatedAt = 30;
        Assert.Equal(["51: 11 ..29", "52: 11 30.."], Describe(Place([Groups.Of(1, 0, 100, 11)], [truncated, Groups.Of(6, 30, 100, 52)])));
        truncated.TruncatedAt = 0;
        Assert.Equal(["51: 11"], Describe(Place([Groups.Of(1, 0, 100, 11)], [truncated])));

        // What cuts a group at its beginning leaves nothing of it.
        var atStart = Groups.Of(5, 10, 100, 51);
        atStart.TruncatedAt = 10;
        Assert.Equal(["52: 11"], Describe(Place([Groups.Of(1, 10, 100, 11)], [atStart, Groups.Of(6, 10, 100, 52)])));
    }

    [Fact]
    public void Truncated_groups_of_the_source_are_taken_to_their_end_and_the_younger_one_is_the_newer()
    {
        var truncated = Groups.Of(1, 0, 100, 11);
        truncated.TruncatedAt = 30;
        Assert.Equal(["51: 11, 12"], Describe(Place([Groups.Of(2, 30, 100, 12), truncated], [Groups.Of(5, 0, 100, 51)])));
        Assert.Equal(["51: 11 ..49", "52: 11 50.., 12"], Describe(Place([truncated, Groups.Of(2, 60, 100, 12)], [Groups.Of(5, 0, 50, 51), Groups.Of(6, 50, 100, 52)])));
    }

    [Fact]
    public void Where_groups_of_the_target_overlap_the_one_that_ends_first_takes_the_points() =>
        Assert.Equal(
            ["51: 11 ..39, 11 60..", "52: 11 40..59"], Describe(Place([Groups.Of(1, 0, 100, 11)], [Groups.Of(5, 0, 100, 51), Groups.Of(6, 40, 60, 52)])));

    [Fact]
    public void The_first_group_of_all_begins_before_everything()
    {
        const long End = long.MinValue + 1000;
        var wrapped = Groups.Of(1, long.MaxValue - 5000, End, 11);
        Assert.Equal(["51: 11"], Describe(Place([wrapped], [Groups.Of(5, long.MaxValue - 5000, End, 51)])));
        var missing = Place([wrapped], []);
        Assert.Equal(new TimeRange(long.MinValue + 2, End - 1), Assert.Single(missing.Unplaced).Times);
        Assert.Equal([long.MinValue + 2], missing.MissingGroups.Take(1).Select(m => m.Time));
        Assert.Equal(["51: 11"], Describe(Place([Groups.Of(1, long.MaxValue - 1000, long.MaxValue, 11)], [Groups.Of(5, long.MaxValue - 1000, long.MaxValue, 51)])));
        Assert.Equal(["51: 11"], Describe(Place([Groups.Of(1, 70, 70, 11)], [Groups.Of(5, 0, 100, 51)])));
    }

    [Fact]
    public void Groups_that_are_missing_are_named_as_a_server_would_make_them()
    {
        // From Thursday 1970-01-01 on; groups of a week begin on Mondays.
        const long Week = 168 * Hour;
        const long Monday = 4 * 24 * Hour;
        var source = Groups.Metadata(Hour, Groups.Of(1, 0, 2 * Week, 11), Groups.Of(2, Hour, 2 * Hour, 12));
        var missing = Groups.Place(source, Groups.Metadata(Week));
        Assert.False(missing.IsComplete);
        Assert.Empty(missing.Targets);
        Assert.Equal([11UL, 12], missing.Unplaced.Select(u => u.Source.Id));
        Assert.Equal([0, Monday, Monday + Week], missing.MissingGroups.Select(m => m.Time));
        Assert.All(missing.MissingGroups, m => Assert.Equal(("db", "rp"), (m.Database, m.RetentionPolicy)));

        var half = Groups.Place(source, Groups.Metadata(Week, Groups.Of(7, Monday - Week, Monday, 71)));
        Assert.Equal(["71: 11 .." + (Monday - 1) + ", 12"], Describe(half));
        Assert.Equal([Monday, Monday + Week], half.MissingGroups.Select(m => m.Time));

        // Where the points are known to be few, no groups are asked for that would stay empty.
        var known = new Dictionary<ShardKey, TimeRange> { [Groups.Key(11)] = new(Monday + 5, Monday + 6) };
        Assert.Equal([Hour, Monday + 5], ShardPlacement.Create(source, [Groups.Key(11), Groups.Key(12)], Groups.Metadata(Week), times: known).MissingGroups.Select(m => m.Time));
    }

    [Fact]
    public void A_policy_that_does_not_exist_yet_and_new_names_are_no_obstacle()
    {
        var source = Groups.Metadata(100, Groups.Of(1, 0, 100, 11));
        var target = new Data { Term = 1, Index = 1, ClusterID = 1, MaxNodeID = 0, MaxShardGroupID = 0, MaxShardID = 0 };
        var placement = ShardPlacement.Create(source, [Groups.Key(11)], new ServerMetadata(target), _ => ("new", "other"));
        Assert.Equal([("new", "other", 0L)], placement.MissingGroups.Select(m => (m.Database, m.RetentionPolicy, m.Time)));
        Assert.Empty(ShardPlacement.Create(source, [], new ServerMetadata(target)).Unplaced);
        Assert.Equal("ShardNotInMetadata", Assert.Throws<InfluxBackupException>(() => ShardPlacement.Create(source, [Groups.Key(12)], source)).Id);
    }

    [Fact]
    public void Owners_come_along_in_either_form()
    {
        var target = Groups.Of(5, 0, 100, 51, 52);
        target.Shards[0].Owners.Add(new ShardOwner { NodeID = 4 });
        target.Shards[0].Owners.Add(new ShardOwner { NodeID = 5 });
        target.Shards[1].OwnerIDs.Add(6);
        var placement = Place([Groups.Of(1, 0, 100, 11)], [target]);
        Assert.Equal([[4UL, 5UL], [6UL]], placement.Targets.Select(t => t.Owners));
    }

    [Fact]
    public void Whatever_groups_there_are_each_time_of_a_source_has_one_place_and_it_is_the_servers()
    {
        var cases = from seed in Gen.Choose(0, int.MaxValue) select new Random(seed);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(cases.ToArbitrary(), random =>
        {
            var source = Groups.Metadata(100, Groups.Random(random, 10, 4));
            var target = Groups.Metadata(random.Next(1, 60), Groups.Random(random, 500, 8));
            var placement = Groups.Place(source, target);
            for (var (round, made) = (0, 1000); !placement.IsComplete && random.Next(3) > 0; round++)
            {
                Assert.True(round < 5, "the groups that are asked for must be enough");
                made = Make(target, placement, made);
                placement = Groups.Place(source, target);
            }

            foreach (var group in source.Data.Databases[0].RetentionPolicies[0].ShardGroups)
            {
                for (var slot = 0; slot < group.Shards.Count; slot++)
                {
                    AssertPlaced(placement, group, slot, target);
                }
            }
        }));
    }

    /// <summary>Makes groups as a cluster does: cut so that they do not lie over others.</summary>
    private static int Make(ServerMetadata target, ShardPlacement placement, int next)
    {
        var policy = target.Data.Databases[0].RetentionPolicies[0];
        foreach (var time in placement.MissingGroups.Select(m => m.Time).ToList())
        {
            if (Groups.FindFor(target, time) is null)
            {
                var start = time - (time % policy.ShardGroupDuration);
                var (min, max) = (start, start + policy.ShardGroupDuration);
                foreach (var group in policy.ShardGroups.Where(g => g.DeletedAt == 0))
                {
                    var end = group.TruncatedAt != 0 ? group.TruncatedAt : group.EndTime;
                    min = end <= time && end > min ? end : min;
                    max = group.StartTime > time && group.StartTime < max ? group.StartTime : max;
                }

                policy.ShardGroups.Add(Groups.Of(next, min, max, [.. Enumerable.Range(next, (next % 3) + 1)]));
                next += 10;
            }
        }

        return next;
    }

    private static void AssertPlaced(ShardPlacement placement, ShardGroupInfo group, int slot, ServerMetadata target)
    {
        var source = Groups.Key(group.Shards[slot].ID);
        for (var time = group.StartTime - 20; time < group.EndTime + 20; time++)
        {
            var inside = Math.Clamp(time, group.StartTime, group.EndTime - 1);
            var expected = Groups.FindFor(target, inside);
            var taking = placement.Targets.SelectMany(t => t.Pieces.Where(p => p.Source == source && (p.Times ?? TimeRange.Everything).Contains(time)).Select(p => (t.Key, Piece: p))).ToList();
            if (expected is null)
            {
                Assert.Empty(taking);
                Assert.Contains(placement.Unplaced, u => u.Source == source && u.Times.Contains(inside));
                continue;
            }

            var shards = expected.Shards.Select(s => Groups.Key(s.ID)).ToList();
            if (taking is [{ Piece.Slots: 1 } only])
            {
                // One shard in the group, or a whole one: then all series that hash to its place hash to the target's.
                Assert.Equal(0, group.Shards.Count % shards.Count == 0 ? 0 : shards.Count - 1);
                Assert.Equal(shards[slot % shards.Count], only.Key);
            }
            else
            {
                Assert.Equal(shards, taking.Select(t => t.Key).OrderBy(shards.IndexOf));
                Assert.All(taking, t => Assert.Equal((shards.IndexOf(t.Key), shards.Count), (t.Piece.Slot, t.Piece.Slots)));
            }
        }
    }
}
