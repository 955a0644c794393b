using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Tests.Tsm.Merging;

/// <summary>Copies of a shard become one that has every point of each of them once, and the counts say how they differed.</summary>
public class ShardMergerTests
{
    private static readonly string[] Series = ["a", "a,t=1", "b", "größe,x=1"];
    private static readonly string[] Fields = ["f", "g h", "i"];

    private sealed record Merged(ShardMergeReport Report, Dictionary<(string Key, long Time), object> Points, List<byte[]> Files);

    private static Merged Merge(IReadOnlyList<IReadOnlyList<GeneratedFile>> copies, long largestFile = ShardMerger.LargestFile)
    {
        var written = new SortedDictionary<string, MemoryStream>(StringComparer.Ordinal);
        var sources = copies.Select((files, copy) => files.Select((f, i) => f.Open($"{copy}/{i + 1:D9}-000000001.tsm")).ToList()).ToList();
        var report = ShardMerger.Merge(sources, name => written[name] = new MemoryStream(), null, CancellationToken.None, largestFile);
        Assert.Equal(written.Keys, report.Files);
        var points = new StoredPoints();
        var once = 0L;
        foreach (var (name, stream) in written)
        {
            using var file = TsmFile.FromMemory(stream.ToArray(), name);
            var verified = TsmFileVerifier.Verify(file, CancellationToken.None);
            Assert.Empty(verified.Problems);
            once += verified.Points!.Value;
            points.Add(file, null);
        }

        Assert.Equal(once, points.Points.Count);
        Assert.Equal(once, report.Points);
        return new Merged(report, points.Points, written.Values.Select(s => s.ToArray()).ToList());
    }

    private static GeneratedFile File(params (string Series, string Field, (long Time, object Value)[] Points)[] blocks) =>
        new(blocks.Select(b => new GeneratedBlock(b.Series, b.Field, b.Points)).ToList(), []);

    private static Dictionary<(string Key, long Time), object> Model(IEnumerable<GeneratedFile> files)
    {
        var points = new Dictionary<(string, long), object>();
        foreach (var file in files)
        {
            foreach (var block in file.Blocks)
            {
                foreach (var (time, value) in block.Points.Where(p => !file.Deletes.Any(d => (d.Series, d.Field) == (block.Series, block.Field) && d.Times.Contains(p.Time))))
                {
                    points[($"{block.Series}#!~#{block.Field}", time)] = value;
                }
            }
        }

        return points;
    }

    [Fact]
    public void Whatever_copies_there_are_the_result_and_its_counts_are_what_dictionaries_say()
    {
        var cases = from seed in Gen.Choose(0, int.MaxValue) select seed;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500), Prop.ForAll(cases.ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var first = CreateCopy(random);
            var copies = Enumerable.Range(0, random.Next(1, 4)).Select(i => i == 0 ? first : random.Next(8) == 0 ? CreateCopy(random) : Vary(random, first)).ToList();
            var merged = Merge(copies, random.Next(3) == 0 ? random.Next(100, 2000) : ShardMerger.LargestFile);

            var models = copies.Select(Model).ToList();
            var expected = new Dictionary<(string Key, long Time), object>();
            foreach (var (key, value) in models.SelectMany(m => m))
            {
                expected[key] = value;
            }

            Assert.Equal(expected, merged.Points);
            Assert.Equal(expected.Keys.Count(k => models.Any(m => !m.ContainsKey(k))), merged.Report.Missing);
            Assert.Equal(expected.Keys.Count(k => models.Where(m => m.ContainsKey(k)).Select(m => m[k]).Distinct().Count() > 1), merged.Report.Different);
            Assert.Equal(0, merged.Report.OfOtherType);
        }));
    }

    [Fact]
    public void Copies_that_are_alike_become_the_same_file_byte_for_byte()
    {
        var random = new Random(5);
        GeneratedFile copy;
        do
        {
            copy = CreateCopy(random)[0] with { Deletes = [] };
        }
        while (copy.Blocks.Count < 20);
        var merged = Merge([[copy], [copy], [copy]]);
        Assert.Equal(copy.ToTsm(), Assert.Single(merged.Files));
        Assert.True(merged.Report.Agree);
    }

    [Fact]
    public void Points_that_blocks_of_other_sizes_hold_are_still_the_same_points()
    {
        (long, object)[] points = [.. Enumerable.Range(0, 5000).Select(i => ((long)i, (object)(i * 0.5)))];
        GeneratedFile Split(int size) => File([.. points.Chunk(size).Select(c => ("a", "f", c))]);
        var merged = Merge([[Split(1000)], [Split(300)], [Split(777)]]);
        Assert.True(merged.Report.Agree);
        Assert.Equal(5000, merged.Report.Points);
        Assert.Equal(Split(1000).ToTsm(), Assert.Single(merged.Files));
    }

    [Fact]
    public void The_freshest_copy_wins_and_what_only_one_has_is_kept()
    {
        var merged = Merge(
        [
            [File(("a", "f", [(1, 1L), (2, 1L), (5, 1L)])), File(("a", "f", [(2, 2L)]))],
            [],
            [File(("a", "f", [(1, 1L), (2, 3L), (3, 3L)]))],
        ]);
        Assert.Equal([(1L, 1L), (2, 3L), (3, 3L), (5, 1L)], merged.Points.OrderBy(p => p.Key.Time).Select(p => (p.Key.Time, (long)p.Value)));
        Assert.Equal((4, 4, 1), (merged.Report.Points, merged.Report.Missing, merged.Report.Different));
        Assert.False(merged.Report.Agree);
    }

    [Fact]
    public void Points_of_another_type_than_the_freshest_copys_are_counted_and_left_out()
    {
        var merged = Merge([[File(("a", "f", [(1, 1.5), (2, 1.5)]), ("b", "f", [(1, 1L)]))], [File(("a", "f", [(3, 3L)]), ("b", "f", [(1, 1L)]))]]);
        Assert.Equal(2, merged.Points.Count);
        Assert.Equal((2, 1, 0, 2), (merged.Report.Points, merged.Report.Missing, merged.Report.Different, merged.Report.OfOtherType));
    }

    [Fact]
    public void Copies_without_a_point_make_no_file()
    {
        Assert.Empty(Merge([[], []]).Report.Files);
        Assert.Empty(Merge([]).Report.Files);
        var deleted = new GeneratedFile([new("a", "f", [(1, 1L)])], [new("a", "f", TimeRange.Everything)]);
        Assert.Empty(Merge([[deleted], [deleted]]).Report.Files);
    }

    [Fact]
    public void A_flipped_bit_in_any_copy_is_an_error_that_names_the_file()
    {
        var bytes = File(("a", "f", [(1, 1L), (2, 2L)])).ToTsm();
        for (var copy = 0; copy < 2; copy++)
        {
            for (var bit = 5 * 8; bit < 30 * 8; bit++)
            {
                var damaged = (byte[])bytes.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                var sources = Enumerable.Range(0, 2).Select(i => new[] { new MergeSource(TsmFile.FromMemory(i == copy ? damaged : bytes, $"copy {i}"), TombstoneRanges.None) }).ToList();
                var error = Assert.Throws<TsmFormatException>(() => ShardMerger.Merge(sources, _ => new MemoryStream(), null, CancellationToken.None));
                Assert.Contains($"copy {copy}", error.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>A copy that missed writes, had others, or holds the same in other files.</summary>
    private static List<GeneratedFile> Vary(Random random, List<GeneratedFile> copy) => random.Next(4) switch
    {
        0 => copy,
        1 => copy.Take(random.Next(copy.Count + 1)).ToList(),
        2 => [.. copy, CreateFile(random)],
        _ => copy.Select(f => f with { Blocks = f.Blocks.Where(_ => random.Next(10) > 0).DefaultIfEmpty(f.Blocks[0]).Select(b => Change(random, b)).ToList() }).ToList(),
    };

    private static GeneratedBlock Change(Random random, GeneratedBlock block) => random.Next(4) > 0
        ? block
        : block with { Points = block.Points.Select(p => random.Next(5) == 0 ? (p.Time, Value(random, block.Field)) : p).ToList() };

    private static List<GeneratedFile> CreateCopy(Random random) => Enumerable.Range(0, random.Next(1, 4)).Select(_ => CreateFile(random)).ToList();

    private static GeneratedFile CreateFile(Random random)
    {
        var (blocks, deletes) = (new List<GeneratedBlock>(), new List<GeneratedDelete>());
        foreach (var series in Series.Where(_ => random.Next(3) > 0).DefaultIfEmpty(Series[0]))
        {
            foreach (var field in Fields.Where(_ => random.Next(3) > 0).DefaultIfEmpty(Fields[0]))
            {
                long[] times = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => (long)random.Next(0, 120)).Distinct().Order()];
                for (var at = 0; at < times.Length;)
                {
                    var count = Math.Min(times.Length - at, random.Next(1, 40));
                    blocks.Add(new GeneratedBlock(series, field, times.Skip(at).Take(count).Select(t => (t, Value(random, field))).ToList()));
                    at += count;
                }

                if (random.Next(6) == 0)
                {
                    var (low, high) = (random.Next(0, 120), random.Next(0, 120));
                    deletes.Add(new GeneratedDelete(series, field, new TimeRange(Math.Min(low, high), Math.Max(low, high))));
                }
            }
        }

        return new GeneratedFile(blocks, random.Next(2) == 0 ? deletes : []);
    }

    private static object Value(Random random, string field) => field switch
    {
        "f" => (long)random.Next(4),
        "g h" => random.Next(4) * 0.5,
        _ => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes($"ü{random.Next(4)}")),
    };
}
