using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.LineProtocol;
using InfluxBackup.Tests.LineProtocol;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Tests.Tsm.Merging;

/// <summary>Whatever files, blocks, overlaps and deletes there are: lines are what a dictionary would have.</summary>
public class MergeModelTests
{
    private static readonly string[] Series = ["a", "a,t=1", "a,t=1\\ 2", "a!", "b", "größe,ß=\"q\""];
    private static readonly string[] Fields = ["f", "g h", "i=,\"j", "ü"];

    private sealed record Case(List<GeneratedFile> Files, TimeRange Times, bool OneFieldPerLine, bool OnlyA);

    [Fact]
    public void Merged_files_are_what_a_dictionary_is() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500).WithEndSize(40), Prop.ForAll(Cases(TimeScale.Narrow).ToArbitrary(), Holds));

    [Fact]
    public void Merged_files_are_what_a_dictionary_is_at_the_ends_of_time() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(20), Prop.ForAll(Cases(TimeScale.Extreme).ToArbitrary(), Holds));

    [Fact]
    public void Long_series_are_what_a_dictionary_is() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(12).WithEndSize(10), Prop.ForAll(Cases(TimeScale.Long).ToArbitrary(), Holds));

    private enum TimeScale
    {
        /// <summary>Few times: nearly everything overlaps.</summary>
        Narrow,

        /// <summary>The smallest and the largest time, and some between.</summary>
        Extreme,

        /// <summary>Tens of thousands of points in a series, so that it is cut into pieces.</summary>
        Long,
    }

    private static bool Holds(Case given)
    {
        var sources = given.Files.Select((f, i) => f.Open($"{i + 1:D9}-000000001.tsm")).ToList();
        try
        {
            Func<string, bool>? onlyA = given.OnlyA ? s => s.StartsWith('a') : null;
            var model = new PointModel(given.Files, given.Times, onlyA);
            var options = new MergeOptions { Times = given.Times, Includes = given.OnlyA ? key => key[0] == (byte)'a' : null };
            var difference = model.FindDifference(PointLine.Parse(Print(sources, options, given.OneFieldPerLine)), given.OneFieldPerLine);
            return difference is null ? true : throw new InvalidOperationException(difference);
        }
        finally
        {
            sources.ForEach(s => s.File.Dispose());
        }
    }

    private static byte[] Print(List<MergeSource> sources, MergeOptions options, bool oneFieldPerLine)
    {
        using var planner = new BatchPlanner(sources, options);
        using var reader = new SeriesReader(sources, options);
        using var text = new TextBuffer(1 << 16);
        var writer = new LineWriter();
        while (planner.Next() is { } batch)
        {
            reader.Open(batch);
            while (reader.ReadSeries())
            {
                Assert.True(writer.TryBegin(reader));
                while (oneFieldPerLine ? reader.ReadFieldRows() : reader.ReadRows())
                {
                    writer.Write(reader, text);
                }
            }
        }
        return text.Written.ToArray();
    }

    private static Gen<Case> Cases(TimeScale scale) =>
        from seed in Gen.Choose(0, int.MaxValue)
        from files in Gen.Choose(1, scale == TimeScale.Long ? 3 : 6)
        from size in Gen.Sized(Gen.Constant)
        select Create(new Random(seed), files, size, scale);

    private static Case Create(Random random, int files, int size, TimeScale scale)
    {
        // A field has mostly one type; sometimes it came back with another.
        var types = Fields.ToDictionary(f => f, _ => random.Next(5));
        var fields = Fields.Take(random.Next(1, Fields.Length + 1)).ToArray();
        var series = Series.Take(scale == TimeScale.Long ? random.Next(1, 3) : random.Next(1, Series.Length + 1)).ToArray();
        var sharesTimes = random.Next(2) == 0;
        var generated = Enumerable.Range(0, files).Select(_ => CreateFile(random, series, fields, types, size, scale, sharesTimes)).ToList();
        var (low, high) = (Time(random, scale, size), Time(random, scale, size));
        var times = random.Next(3) == 0 ? new TimeRange(Math.Min(low, high), Math.Max(low, high)) : TimeRange.Everything;
        return new Case(generated, times, random.Next(2) == 0, random.Next(4) == 0);
    }

    private static GeneratedFile CreateFile(Random random, string[] series, string[] fields, Dictionary<string, int> types, int size, TimeScale scale, bool sharesTimes)
    {
        var (blocks, deletes) = (new List<GeneratedBlock>(), new List<GeneratedDelete>());
        foreach (var key in series.Where(_ => random.Next(4) > 0).DefaultIfEmpty(series[0]))
        {
            var common = Times(random, scale, size);
            foreach (var field in fields.Where(_ => random.Next(5) > 0).DefaultIfEmpty(fields[0]))
            {
                var type = random.Next(20) == 0 ? random.Next(5) : types[field];
                var times = sharesTimes && random.Next(5) > 0 ? common : Times(random, scale, size);
                for (var at = 0; at < times.Length;)
                {
                    var count = Math.Min(times.Length - at, scale == TimeScale.Long ? 1000 : random.Next(1, random.Next(2) == 0 ? 4 : 60));
                    blocks.Add(new GeneratedBlock(key, field, times.Skip(at).Take(count).Select(t => (t, Value(random, type))).ToList()));
                    at += count;
                }
                for (var i = random.Next(6) - 2; i > 0; i--)
                {
                    var (low, high) = (Time(random, scale, size), Time(random, scale, size));
                    deletes.Add(new GeneratedDelete(key, field, random.Next(12) == 0 ? TimeRange.Everything : new TimeRange(Math.Min(low, high), Math.Max(low, high))));
                }
            }
        }
        return new GeneratedFile(blocks, random.Next(3) == 0 ? deletes : []);
    }

    private static long[] Times(Random random, TimeScale scale, int size)
    {
        if (scale == TimeScale.Long)
        {
            var (start, step) = (Time(random, scale, size), random.Next(1, 4));
            return [.. Enumerable.Range(0, random.Next(20_000, 60_000)).Select(i => start + ((long)i * step))];
        }
        return [.. Enumerable.Range(0, random.Next(1, 2 + (5 * size))).Select(_ => Time(random, scale, size)).Distinct().Order()];
    }

    private static long Time(Random random, TimeScale scale, int size) => scale switch
    {
        TimeScale.Narrow => random.Next(-5, 10 + (6 * size)),
        TimeScale.Long => random.Next(0, 50_000),
        _ => random.Next(4) switch
        {
            0 => long.MinValue + 2 + random.Next(4),
            1 => long.MaxValue - 1 - random.Next(4),
            2 => random.Next(-3, 4),
            _ => random.NextInt64(long.MinValue + 2, long.MaxValue - 1),
        },
    };

    private static object Value(Random random, int type) => type switch
    {
        0 => random.Next(8) switch { 0 => -0.0, 1 => double.MaxValue, 2 => double.Epsilon, 3 => random.Next(1000), _ => random.NextDouble() - 0.5 },
        1 => random.Next(8) switch { 0 => long.MinValue, 1 => long.MaxValue, _ => (long)random.Next(-1000, 1000) },
        2 => random.Next(8) switch { 0 => ulong.MaxValue, _ => (ulong)random.Next(1000) },
        3 => random.Next(2) == 0,
        _ => random.Next(8) switch { 0 => "", 1 => "two\nlines", 2 => "q\"b\\", 3 => "ends\\", _ => $"ß {random.Next()}" },
    };
}
