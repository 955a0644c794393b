using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>What is selected of a file is what was asked for, and pieces that cover it are together the file.</summary>
public class TsmSelectionTests
{
    private static readonly string[] Series = ["a", "a,t=1", "a,t=2", "b", "c,x=1", "c,x=2", "größe"];

    private static TimeRange[] LeftOut(params TimeRange[] times) => TsmSelection.Of(times).LeftOutTimes.ToArray();

    [Fact]
    public void What_is_left_out_are_the_times_between()
    {
        Assert.Equal([TimeRange.Everything], LeftOut());
        Assert.Empty(LeftOut(TimeRange.Everything));
        Assert.Equal([new(long.MinValue, 4), new(10, long.MaxValue)], LeftOut(new TimeRange(5, 9)));
        Assert.Equal([new(long.MinValue, 4), new(10, 19), new(31, long.MaxValue)], LeftOut(new(20, 30), new(8, 9), new(5, 7), new(22, 25), new(40, 39)));
        Assert.Equal([new(1, 9)], LeftOut(new(long.MinValue, 0), new(10, long.MaxValue), new(50, 60)));
        Assert.True(TsmSelection.Of([new(long.MinValue, 0), new(1, long.MaxValue)]).IsEverything);
        Assert.False(TsmSelection.Of([TimeRange.Everything], 0, 2).IsEverything);
        Assert.Throws<ArgumentOutOfRangeException>(() => TsmSelection.Of([], 2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => TsmSelection.Of([], 0, 0));
    }

    [Fact]
    public void Pieces_by_time_and_series_are_together_the_file_without_its_deletes()
    {
        var cases = from seed in Gen.Choose(0, int.MaxValue) select seed;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(cases.ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var file = CreateFile(random);
            var source = file.Open("made");
            var slots = random.Next(1, 4);
            long[] cuts = [long.MinValue, .. Enumerable.Range(0, random.Next(0, 4)).Select(_ => (long)random.Next(-5, 90)).Distinct().Order()];
            var found = new Dictionary<(string, long), object>();
            for (var i = 0; i < cuts.Length; i++)
            {
                var times = new TimeRange(cuts[i], i + 1 < cuts.Length ? cuts[i + 1] - 1 : long.MaxValue);
                for (var slot = 0; slot < slots; slot++)
                {
                    foreach (var ((key, time), value) in Select(source, TsmSelection.Of([times], slot, slots)))
                    {
                        Assert.True(times.Contains(time));
                        Assert.Equal(slot, SeriesSlot.Of(Encoding.UTF8.GetBytes(key), slots));
                        found.Add((key, time), value);
                    }
                }
            }

            Assert.Equal(Select(source, TsmSelection.Everything), found);
            Assert.Equal(Model(file), found);
        }));
    }

    [Fact]
    public void Blocks_that_are_wholly_inside_are_copied_and_those_outside_are_not_even_read()
    {
        var file = new BuiltFile().Integers("a", "f", (1, 1), (2, 2)).Integers("a", "f", (10, 1), (20, 2)).Integers("b", "f", (1, 1)).ToArray();
        using var index = TsmFile.FromMemory(file, "made").ReadIndex();
        Assert.True(index.ReadKey());
        Assert.True(index.ReadEntry(out var inside));
        Assert.True(index.ReadEntry(out var outside));

        var damaged = (byte[])file.Clone();
        damaged[outside.BlockOffset + 3] ^= 1;
        using var written = new MemoryStream();
        var report = TsmRewriter.Rewrite(TsmFile.FromMemory(damaged, "made"), TsmSelection.Of([new(0, 9)]), TombstoneRanges.None, written, null, CancellationToken.None);
        Assert.Equal(new TsmRewriteReport(Copied: 2, Cut: 0, LeftOut: 1), report);
        Assert.Equal(file[..(int)(inside.BlockOffset + inside.BlockSize)], written.ToArray()[..(int)(inside.BlockOffset + inside.BlockSize)]);
    }

    private static Dictionary<(string Key, long Time), object> Select(InfluxBackup.Tsm.Merging.MergeSource source, TsmSelection wanted)
    {
        var points = new StoredPoints();
        using var written = new MemoryStream();
        if (!TsmRewriter.Rewrite(source.File, wanted, source.Deletes, written, null, CancellationToken.None).IsEmpty)
        {
            using var file = TsmFile.FromMemory(written.ToArray(), "rewritten");
            Assert.Empty(TsmFileVerifier.Verify(file, CancellationToken.None).Problems);
            points.Add(file, null);
        }

        return points.Points;
    }

    private static Dictionary<(string Key, long Time), object> Model(GeneratedFile file) =>
        (from block in file.Blocks
         from point in block.Points
         where !file.Deletes.Any(d => (d.Series, d.Field) == (block.Series, block.Field) && d.Times.Contains(point.Time))
         select (Key: ($"{block.Series}#!~#{block.Field}", point.Time), point.Value)).ToDictionary(p => p.Key, p => p.Value);

    private static GeneratedFile CreateFile(Random random)
    {
        var (blocks, deletes) = (new List<GeneratedBlock>(), new List<GeneratedDelete>());
        foreach (var series in Series.Where(_ => random.Next(4) > 0).DefaultIfEmpty(Series[0]))
        {
            var time = (long)random.Next(-10, 40);
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                blocks.Add(new GeneratedBlock(series, "f", [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => (time += random.Next(1, 5), (object)(long)random.Next()))]));
            }

            for (var i = random.Next(3); i > 0; i--)
            {
                var (low, high) = (random.Next(-10, 90), random.Next(-10, 90));
                deletes.Add(new GeneratedDelete(series, "f", random.Next(9) == 0 ? TimeRange.Everything : new TimeRange(Math.Min(low, high), Math.Max(low, high))));
            }
        }

        return new GeneratedFile(blocks, deletes);
    }
}
