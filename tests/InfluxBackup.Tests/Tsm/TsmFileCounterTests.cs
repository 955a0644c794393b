using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public sealed class TsmFileCounterTests
{
    private sealed class Sum : ITsmKeyObserver
    {
        public long Keys { get; private set; }

        public long Points { get; private set; }

        public long Min { get; private set; } = long.MaxValue;

        public long Max { get; private set; } = long.MinValue;

        public void OnKey(ReadOnlySpan<byte> key, TsmBlockType type, TsmKeySummary summary)
        {
            Keys++;
            Points += summary.Points!.Value;
            (Min, Max) = (Math.Min(Min, summary.MinTime), Math.Max(Max, summary.MaxTime));
        }
    }

    private static Sum Count(byte[] bytes)
    {
        var sum = new Sum();
        TsmFileCounter.Count(TsmFile.FromMemory(bytes, "counted"), sum, CancellationToken.None);
        return sum;
    }

    [Fact]
    public void Counting_gives_what_unpacking_gives()
    {
        var files = Directory.GetFiles(GoldenFiles.Root, "*.tar.gz", SearchOption.AllDirectories)
            .Where(p => !p.Contains("hostile", StringComparison.Ordinal))
            .SelectMany(GoldenFiles.Unpack)
            .Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(files);
        foreach (var (name, bytes) in files)
        {
            var report = TsmFileVerifier.Verify(TsmFile.FromMemory(bytes, name), CancellationToken.None);
            var sum = Count(bytes);
            Assert.Equal((report.Keys, report.Points, report.MinTime, report.MaxTime), (sum.Keys, sum.Points, sum.Min, sum.Max));
        }
    }

    [Fact]
    public void The_observer_of_a_verification_sees_the_same()
    {
        var sum = new Sum();
        TsmFileVerifier.Verify(TsmFile.FromMemory(GoldenFiles.Types, "types"), new TsmVerifyOptions { Observer = sum }, CancellationToken.None);
        var counted = Count(GoldenFiles.Types);
        Assert.Equal((counted.Keys, counted.Points, counted.Min, counted.Max), (sum.Keys, sum.Points, sum.Min, sum.Max));
    }

    [Fact]
    public void Damage_throws_what_it_is_and_nothing_else()
    {
        var random = new Random(3);
        foreach (var sound in new[] { GoldenFiles.Smallest, GoldenFiles.Blocks, GoldenFiles.Types })
        {
            for (var i = 0; i < 2000; i++)
            {
                var bytes = (byte[])sound.Clone();
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                try
                {
                    Count(random.Next(2) == 0 ? bytes : bytes[..random.Next(bytes.Length)]);
                }
                catch (TsmFormatException)
                {
                    // What damaged bytes are allowed to be.
                }
            }
        }
    }

    [Fact]
    public void A_run_of_billions_of_times_is_refused()
    {
        var block = TsmEncoder.Block(0, TsmEncoder.TimeRun(0, 5, 1, 1UL << 40), TsmEncoder.Floats(1));
        Assert.Throws<TsmFormatException>(() => Count(TsmEncoder.File(("m#!~#f", 0, [(5, 6, block)]))));
    }
}
