using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Merging;

public sealed class MergeNumberingTests
{
    private static readonly ShardKey Shard = new("db", "rp", 1);

    [Theory]
    [InlineData("000000001-000000001.tsm")]
    [InlineData("000000001-000000004.tsm 000000009-000000002.tsm")]
    [InlineData("000000000-499990000.tsm 000000001-000000001.tsm")]
    [InlineData("000000000-000020000.tsm")]
    [InlineData("")]
    public void Files_that_must_lose_come_before_all_others_and_keep_their_order(string names)
    {
        var live = names.Split(' ', StringSplitOptions.RemoveEmptyEntries);

        var chosen = MergeNumbering.Choose(MergePreference.Existing, 3, live, Shard);

        Assert.Equal(3, chosen.Count);
        Assert.Equal(chosen.Order(StringComparer.Ordinal), chosen);
        Assert.All(chosen, c => Assert.True(ShardFileName.IsSafeTsmName(c) && live.All(l => string.CompareOrdinal(c, l) < 0)));
    }

    [Theory]
    [InlineData("000000001-000000001.tsm")]
    [InlineData("000000000-499990000.tsm 000000107-000000002.tsm")]
    [InlineData("")]
    public void Files_that_must_win_come_after_all_others_out_of_reach_of_what_is_flushed_meanwhile(string names)
    {
        var live = names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var highest = live.Select(ShardFileName.GenerationOf).DefaultIfEmpty(0).Max();

        var chosen = MergeNumbering.Choose(MergePreference.Backup, 3, live, Shard);

        Assert.Equal(chosen.Order(StringComparer.Ordinal), chosen);
        Assert.All(chosen, c => Assert.True(ShardFileName.IsSafeTsmName(c) && ShardFileName.GenerationOf(c) >= highest + 100_000));
    }

    [Fact]
    public void Merges_one_after_another_have_room_a_thousand_times()
    {
        var live = new SortedSet<string>(StringComparer.Ordinal) { "000000001-000000001.tsm" };
        for (var i = 0; i < 1000; i++)
        {
            var chosen = MergeNumbering.Choose(i % 2 == 0 ? MergePreference.Existing : MergePreference.Backup, 5, live, Shard);

            Assert.All(chosen, c => Assert.True(live.Add(c)));
        }
    }

    [Theory]
    [InlineData(MergePreference.Existing, "000000000-000000005.tsm", "NoRoomBelow")]
    [InlineData(MergePreference.Backup, "000899990-000000001.tsm 899999999-000000001.tsm", "NoRoomAbove")]
    [InlineData(MergePreference.Existing, "5-1.tsm", "LiveFileNameOdd")]
    [InlineData(MergePreference.Backup, "999999999-000000001.tsm", "LiveFileNameOdd")]
    public void Where_there_is_no_room_nothing_is_sent(MergePreference prefer, string names, string error) =>
        Assert.Equal(error, Assert.Throws<InfluxBackupException>(() => MergeNumbering.Choose(prefer, 3, names.Split(' '), Shard)).Id);
}
