using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.Metadata;

/// <summary>Times, names and keys.</summary>
public sealed class NamesAndTimesTests
{
    [Fact]
    public void Every_time_of_a_server_survives_but_for_its_last_two_digits() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(
            (from high in Gen.Choose(int.MinValue, int.MaxValue) from low in Gen.Choose(0, int.MaxValue) select ((long)high << 32) + low).ToArbitrary(),
            nanoseconds =>
            {
                var back = ShardTime.FromDateTime(ShardTime.ToDateTime(nanoseconds));
                return back <= nanoseconds && nanoseconds - back < 100;
            }));

    [Theory]
    [InlineData(0L, "1970-01-01T00:00:00.0000000Z")]
    [InlineData(-1L, "1969-12-31T23:59:59.9999999Z")]
    [InlineData(-100L, "1969-12-31T23:59:59.9999999Z")]
    [InlineData(199L, "1970-01-01T00:00:00.0000001Z")]
    [InlineData(long.MaxValue, "2262-04-11T23:47:16.8547758Z")]
    [InlineData(long.MinValue, "1677-09-21T00:12:43.1452241Z")]
    public void Nanoseconds_become_times_rounded_down(long nanoseconds, string expected) =>
        Assert.Equal(expected, ShardTime.ToDateTime(nanoseconds).ToString("O", System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public void Times_that_no_server_has_are_limited_to_those_that_it_has()
    {
        Assert.Equal(long.MinValue, ShardTime.FromDateTime(DateTimeOffset.MinValue));
        Assert.Equal(long.MaxValue, ShardTime.FromDateTime(DateTimeOffset.MaxValue));
        Assert.Equal(0, ShardTime.FromDateTime(new DateTimeOffset(1970, 1, 1, 2, 0, 0, TimeSpan.FromHours(2))));
    }

    [Theory]
    [InlineData("db")]
    [InlineData("dotted.db-1 größe")]
    [InlineData("ポリシー-1d")]
    [InlineData("\"quoted\"")]
    [InlineData("...")]
    [InlineData("_internal")]
    public void Names_that_servers_accept_pass(string name) => DatabaseName.Check(name, "database");

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a\nb")]
    [InlineData("a\tb")]
    [InlineData("a\0")]
    [InlineData("a\u00a0b")]
    public void Names_that_no_server_accepts_are_refused(string name) =>
        Assert.Equal("NameInvalid", Assert.Throws<InfluxBackupException>(() => DatabaseName.Check(name, "database")).Id);

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        DatabaseName.Check(new string('x', 255), "database");
        DatabaseName.Check(new string('ü', 127), "database");
        Assert.Throws<InfluxBackupException>(() => DatabaseName.Check(new string('x', 256), "database"));
        Assert.Throws<InfluxBackupException>(() => DatabaseName.Check(new string('ü', 128), "database"));
    }

    [Fact]
    public void Keys_are_ordered_by_database_policy_and_number()
    {
        ShardKey[] keys = [new("a", "a", 2), new("a", "a", 10), new("a", "b", 1), new("B", "a", 1)];
        Assert.Equal([keys[3], keys[0], keys[1], keys[2]], keys.Order());
        Assert.True(keys[0] < keys[1] && keys[1] <= keys[2] && keys[2] > keys[0] && keys[0] >= keys[3]);
        Assert.Equal(("a/a/10", "shard 10 (a.a)"), (keys[1].Path, keys[1].ToString()));
    }
}
