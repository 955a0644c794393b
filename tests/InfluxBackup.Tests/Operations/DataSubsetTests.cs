using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.Operations.Checks;

namespace InfluxBackup.Tests.Operations;

public sealed class DataSubsetTests
{
    [Fact]
    public void All_parts_together_are_everything_exactly_once()
    {
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(
            (from parts in Gen.Choose(1, 40)
             from ids in Gen.Choose(1, 100_000).ArrayOf()
             select (parts, ids)).ToArbitrary(),
            x =>
            {
                var shards = x.ids.Distinct().Select(i => new ShardKey("db", "rp", (ulong)i)).ToList();
                var union = Enumerable.Range(1, x.parts).SelectMany(p => DataSubset.Parse($"{p}/{x.parts}").Choose(shards)).ToList();
                return union.Count == shards.Count && union.ToHashSet().SetEquals(shards);
            }));
    }

    /// <summary>A shard must stay in its part from version to version, or a rotation leaves gaps.</summary>
    [Fact]
    public void The_part_of_a_shard_never_changes()
    {
        var shards = Enumerable.Range(1, 20).Select(i => new ShardKey("telegraf", "autogen", (ulong)i)).ToList();
        Assert.Equal(PartsOf(shards), PartsOf(shards.AsEnumerable().Reverse().ToList()));
        Assert.Equal([2, 5, 6], DataSubset.Parse("1/4").Choose(shards).Select(s => (int)s.Id).Order());
    }

    [Theory]
    [InlineData("10%", 200, 20)]
    [InlineData("2.5%", 40, 1)]
    [InlineData("0.1%", 7, 1)]
    [InlineData("100%", 7, 7)]
    [InlineData(" 50% ", 0, 0)]
    public void A_percentage_is_a_share_of_the_number(string text, int of, int expected)
    {
        var shards = Enumerable.Range(1, of).Select(i => new ShardKey("db", "rp", (ulong)i)).ToList();
        Assert.Equal(expected, DataSubset.Parse(text).Choose(shards).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0/3")]
    [InlineData("4/3")]
    [InlineData("1/0")]
    [InlineData("-1/3")]
    [InlineData("1/3/5")]
    [InlineData("1/999999999")]
    [InlineData("1/99999999999999999999")]
    [InlineData("3")]
    [InlineData("/3")]
    [InlineData("1/")]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("-5%")]
    [InlineData("%")]
    [InlineData("1e2%")]
    [InlineData("NaN%")]
    [InlineData("some")]
    public void Anything_else_is_an_error_that_says_what_to_give(string text)
    {
        var error = Assert.Throws<InfluxBackupException>(() => DataSubset.Parse(text));
        Assert.Equal(("DataSubsetInvalid", ErrorKind.InvalidArgument), (error.Id, error.Kind));
        Assert.Contains("3/30", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_part_reads_its_shards_deeply_and_looks_at_the_others()
    {
        var deep = 0;
        for (var part = 1; part <= 3; part++)
        {
            var result = await TestedSet.TestAsync(TestData.Golden("1.6.7-inmem"), o => o with { ReadDataSubset = DataSubset.Parse($"{part}/3") });
            Assert.Equal(22, result.ShardCount);
            Assert.Empty(result.Findings);
            deep += result.DeepShardCount;
        }

        Assert.Equal(22, deep);
    }

    [Fact]
    public async Task With_quick_the_others_are_read_for_their_structure()
    {
        var all = await TestedSet.TestAsync(TestData.Golden("1.6.7-inmem"), o => o with { Quick = true });
        var part = await TestedSet.TestAsync(TestData.Golden("1.6.7-inmem"), o => o with { Quick = true, ReadDataSubset = DataSubset.Parse("1/3") });
        Assert.Equal((0, 0L), (all.DeepShardCount, all.Points));
        Assert.Equal(all.Bytes, part.Bytes);
        Assert.InRange(part.DeepShardCount, 1, 21);
        Assert.True(part.Points > 0);
    }

    private static List<int> PartsOf(IReadOnlyCollection<ShardKey> shards) =>
        shards.OrderBy(s => s.Id).Select(s => Enumerable.Range(1, 7).Single(p => DataSubset.Parse($"{p}/7").Choose(shards).Contains(s))).ToList();
}
