using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Bench;

/// <summary>How many million values one processor unpacks in a second, for each codec and the usual shapes of data.</summary>
/// <remarks>
/// Full blocks of 1000 points, as a server writes them, a few hundred different ones, so that no branch is learnt by
/// heart; packed once, then unpacked by one <see cref="TsmPoints"/>, times and values. Regular times are a run and
/// constant booleans are bits, which cost next to nothing: a line with either is the cost of the other part.
/// </remarks>
internal sealed class DecodeBench(BenchOptions options)
{
    private const int PointsPerBlock = 1000;
    private const int Blocks = 300;
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(60);

    private readonly Random random = new(4711);

    public int Run(CancellationToken cancel)
    {
        Console.WriteLine($"{Blocks} blocks of {PointsPerBlock} points each, one thread, best of {Rounds} rounds of {Turn.TotalMilliseconds:F0} ms");
        Console.WriteLine($"{"times",-12}{"values",-28}{"bytes/point",12}{"M points/s",12}{"allocated",12}");
        var regular = Each(i => 10_000_000_000L * i);
        var jittered = Each(i => 10_000_000_000L * i + random.Next(0, 50_000_000));
        var milliseconds = Each(i => 10_000_000_000L * i + 1_000_000L * random.Next(0, 50));
        // One step of more than 36 years, and the whole block is raw.
        var raw = Each(i => i == 0 ? long.MinValue : 10_000_000_000L * i + random.Next(0, 50_000_000));
        Measure("regular", "booleans, constant", regular, Each(_ => true), cancel);
        Measure("jittered ns", "booleans, constant", jittered, Each(_ => true), cancel);
        Measure("jittered ms", "booleans, constant", milliseconds, Each(_ => true), cancel);
        Measure("raw", "booleans, constant", raw, Each(_ => true), cancel);
        Measure("regular", "booleans, random", regular, Each(_ => random.Next(2) == 0), cancel);

        var walk = 0.0;
        Measure("regular", "floats, noise", regular, Each(_ => 100 * random.NextDouble()), cancel);
        Measure("jittered ns", "floats, noise", jittered, Each(_ => 100 * random.NextDouble()), cancel);
        Measure("regular", "floats, two decimals", regular, Each(_ => Math.Round(walk += random.NextDouble() - 0.5, 2)), cancel);
        Measure("regular", "floats, counter", regular, Each(i => (double)(i * 3)), cancel);
        Measure("regular", "floats, constant", regular, Each(_ => 42.5), cancel);

        var counter = 0L;
        Measure("regular", "integers, small changes", regular, Each(_ => counter += random.Next(-20, 20)), cancel);
        Measure("regular", "integers, growing counter", regular, Each(_ => counter += random.Next(0, 3000)), cancel);
        Measure("regular", "integers, 0 or 1", regular, Each(_ => (long)random.Next(2)), cancel);
        Measure("regular", "integers, mixed sizes", regular, Each(_ => counter += random.Next() >> random.Next(1, 31)), cancel);
        Measure("regular", "integers, run", regular, Each(i => 7L * i), cancel);
        Measure("regular", "integers, raw", regular, Each(_ => random.NextInt64() * 2), cancel);
        Measure("jittered ns", "integers, small changes", jittered, Each(_ => counter += random.Next(-20, 20)), cancel);
        Measure("regular", "unsigned, small changes", regular, Each(_ => (ulong)(counter += random.Next(-20, 20))), cancel);

        Measure("regular", "strings, states", regular, Each(_ => random.Next(4) == 0 ? "degraded" : "running"), cancel);
        Measure("regular", "strings, messages", regular, Each(i => $"request {i} of host-{random.Next(20)} took {random.Next(1000)} ms"), cancel);
        Measure("regular", "strings, random", regular, Each(_ => Convert.ToBase64String(BitConverter.GetBytes(random.NextInt64()))), cancel);
        return 0;
    }

    private int Rounds => options.Rounds == new BenchOptions().Rounds ? 20 : options.Rounds;

    private static T[][] Each<T>(Func<int, T> value) =>
        [.. Enumerable.Range(0, Blocks).Select(_ => Enumerable.Range(0, PointsPerBlock).Select(value).ToArray())];

    private void Measure<T>(string timesName, string valuesName, long[][] times, T[][] values, CancellationToken cancel)
    {
        var blocks = times.Zip(values, Encode).ToArray();
        using var points = new TsmPoints();
        var best = 0.0;
        long allocated = 0;
        for (var round = 0; round <= Rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var decoded = 0L;
            var clock = Stopwatch.StartNew();
            while (clock.Elapsed < Turn)
            {
                foreach (var block in blocks)
                {
                    points.Decode(block);
                    decoded += points.Count;
                }
            }
            best = Math.Max(best, decoded / clock.Elapsed.TotalSeconds);
            allocated = (GC.GetAllocatedBytesForCurrentThread() - before) * PointsPerBlock / decoded;
        }
        var size = blocks.Sum(block => (double)block.Length) / (blocks.Length * PointsPerBlock);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{timesName,-12}{valuesName,-28}{size,12:F2}{best / 1e6,12:F0}{allocated,10} B"));
    }

    private static byte[] Encode<T>(long[] times, T[] values)
    {
        var encoder = new TsmBlockEncoder();
        var block = new ArrayBufferWriter<byte>();
        switch (values)
        {
            // Signed and unsigned arrays pass for each other, so the element type decides.
            case object when typeof(T) == typeof(ulong):
                encoder.Encode(times, ((ulong[])(object)values).AsSpan(), block);
                break;
            case long[] integers:
                encoder.Encode(times, integers.AsSpan(), block);
                break;
            case double[] floats:
                encoder.Encode(times, floats.AsSpan(), block);
                break;
            case bool[] booleans:
                encoder.Encode(times, booleans.AsSpan(), block);
                break;
            case string[] strings:
                var text = Encoding.UTF8.GetBytes(string.Concat(strings));
                var end = 0;
                encoder.Encode(times, strings.Select(s => new Range(end, end += Encoding.UTF8.GetByteCount(s))).ToArray(), text, block);
                break;
        }
        return block.WrittenSpan.ToArray();
    }
}
