using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public class TombstoneRangesTests
{
    private static byte[] Version2(params (string Key, long Min, long Max)[] records) =>
        [0, 0, 0x15, 2, .. records.SelectMany(r => (byte[])[.. TsmEncoder.BigEndian((ulong)r.Key.Length)[4..], .. Encoding.Latin1.GetBytes(r.Key), .. TsmEncoder.BigEndian((ulong)r.Min), .. TsmEncoder.BigEndian((ulong)r.Max)])];

    private static TombstoneRanges Load(byte[] bytes)
    {
        using var file = TombstoneFile.Open(new MemoryStream(bytes), "made.tombstone");
        return TombstoneRanges.Load(file, TestContext.Current.CancellationToken);
    }

    private static TimeRange[] Find(TombstoneRanges ranges, string key) => ranges.Find(Encoding.Latin1.GetBytes(key)).ToArray();

    [Fact]
    public void Ranges_of_a_key_are_sorted_and_merged_also_where_they_only_touch()
    {
        var ranges = Load(Version2(("b", 10, 20), ("a", 5, 6), ("b", 1, 3), ("b", 21, 30), ("b", 4, 4), ("b", 40, 50), ("b", 45, 46)));
        Assert.Equal([new TimeRange(1, 4), new TimeRange(10, 30), new TimeRange(40, 50)], Find(ranges, "b"));
        Assert.Equal([new TimeRange(5, 6)], Find(ranges, "a"));
        Assert.Equal(2, ranges.Keys);
        Assert.Equal(7, ranges.Records);
    }

    [Fact]
    public void The_ends_of_time_do_not_overflow()
    {
        var ranges = Load(Version2(("a", long.MinValue, long.MaxValue), ("a", long.MaxValue, long.MaxValue), ("b", long.MaxValue, long.MaxValue), ("b", long.MinValue, long.MinValue)));
        Assert.Equal([TimeRange.Everything], Find(ranges, "a"));
        Assert.Equal([new TimeRange(long.MinValue, long.MinValue), new TimeRange(long.MaxValue, long.MaxValue)], Find(ranges, "b"));
    }

    [Fact]
    public void A_key_that_is_only_a_beginning_or_a_continuation_of_a_deleted_one_has_no_deletes()
    {
        var ranges = Load(Version2(("cpu#!~#f", 1, 2)));
        foreach (var key in new[] { "", "cpu", "cpu#!~#", "cpu#!~#ff", "a", "z" })
        {
            Assert.Empty(Find(ranges, key));
        }
        Assert.Empty(Find(TombstoneRanges.None, "cpu#!~#f"));
    }

    [Fact]
    public void A_range_that_ends_before_it_begins_deletes_nothing() => Assert.True(Load(Version2(("a", 2, 1))).IsEmpty);

    [Fact]
    public void Any_records_in_any_order_delete_what_each_of_them_does()
    {
        var time = Gen.Frequency((8, Gen.Choose(-20, 20).Select(i => (long)i)), (1, Gen.Elements(long.MinValue, long.MinValue + 1, long.MaxValue - 1, long.MaxValue)));
        var record = from key in Gen.Choose(0, 6) from min in time from max in time select (Key: new string('k', key + 1), Min: min, Max: max);
        var cases = from records in record.ListOf() from batch in Gen.Choose(1, 8) select (Records: records, Batch: batch);
        long[] probes = [.. Enumerable.Range(-22, 45).Select(i => (long)i), long.MinValue, long.MinValue + 1, long.MinValue + 2, long.MaxValue - 2, long.MaxValue - 1, long.MaxValue];
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var collector = new TombstoneCollector(c.Batch);
            foreach (var (key, min, max) in c.Records)
            {
                collector.Add(Encoding.Latin1.GetBytes(key), new TimeRange(min, max));
            }
            var ranges = collector.Conclude();
            for (var length = 1; length <= 7; length++)
            {
                var key = new string('k', length);
                var found = Find(ranges, key);
                foreach (var probe in probes)
                {
                    Assert.Equal(c.Records.Any(r => r.Key == key && r.Min <= probe && probe <= r.Max), found.Any(r => r.Contains(probe)));
                }
                for (var i = 1; i < found.Length; i++)
                {
                    Assert.True(found[i - 1].Max + 1 < found[i].Min);
                }
            }
        }));
    }

    [Fact]
    public void Any_set_of_keys_is_found_again_and_no_other_key_is()
    {
        var name = from length in Gen.Choose(1, 6) from letters in Gen.Elements('a', 'b', '\xff').ArrayOf(length) select new string(letters);
        var cases = from names in name.ListOf() from batch in Gen.Choose(1, 40) from probes in name.ListOf() select (Names: names, Batch: batch, Probes: probes);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(300), Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var collector = new TombstoneCollector(c.Batch);
            foreach (var (key, i) in c.Names.Select((n, i) => (n, i)))
            {
                collector.Add(Encoding.Latin1.GetBytes(key), new TimeRange(i % 3 * 10, (i % 3 * 10) + 1));
            }
            var ranges = collector.Conclude();
            Assert.Equal(c.Names.Distinct().Count(), ranges.Keys);
            foreach (var key in c.Names.Concat(c.Probes))
            {
                var expected = c.Names.Select((n, i) => (n, i)).Where(x => x.n == key).Select(x => x.i % 3 * 10L).Distinct().Order();
                Assert.Equal(expected, Find(ranges, key).Select(r => r.Min));
            }
        }));
    }

    [Theory]
    [InlineData(60_000, 100)]
    [InlineData(65_535, 100)]
    [InlineData(100, 50_000)]
    public void Keys_that_fill_many_pages_are_found_again(int length, int count)
    {
        var keys = Enumerable.Range(0, count).Select(i =>
        {
            var key = new byte[length - (i % 7)];
            new Random(i).NextBytes(key);
            return key;
        }).ToList();
        var collector = new TombstoneCollector(1000);
        foreach (var (key, i) in keys.Select((k, i) => (k, i)))
        {
            collector.Add(key, new TimeRange(i, i));
        }
        var ranges = collector.Conclude();
        Assert.Equal(count, ranges.Keys);
        foreach (var (key, i) in keys.Select((k, i) => (k, i)))
        {
            Assert.Equal(new TimeRange(i, i), Assert.Single(ranges.Find(key).ToArray()));
            Assert.True(ranges.Find(key.AsSpan(0, key.Length - 1)).IsEmpty);
            key[^1]++;
            Assert.True(ranges.Find(key).IsEmpty);
        }
    }

    [Fact]
    public void A_million_records_of_a_thousand_keys_become_a_thousand_ranges()
    {
        var collector = new TombstoneCollector();
        var keys = Enumerable.Range(0, 1000).Select(i => Encoding.Latin1.GetBytes($"cpu,host=server{i:d6},region=eu-west#!~#usage_user")).ToArray();
        for (var i = 0; i < 1_000_000; i++)
        {
            collector.Add(keys[i * 7 % 1000], new TimeRange(i, i + 3_000_000));
        }
        var ranges = collector.Conclude();
        Assert.Equal(1000, ranges.Keys);
        Assert.All(keys, key => Assert.Equal(1, ranges.Find(key).Length));
    }
}
