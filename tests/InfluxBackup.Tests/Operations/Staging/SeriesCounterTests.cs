using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Operations.Staging;

namespace InfluxBackup.Tests.Operations.Staging;

public sealed class SeriesCounterTests
{
    /// <summary>The last ones sort differently with and without the separator behind them.</summary>
    private static readonly string[] Names = [.. Enumerable.Range(0, 30).Select(i => $"m,t={i}"), "m", "m!", "m\"", "m#", "m#a", ""];

    [Fact]
    public void Series_of_any_number_of_files_are_counted_once()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(
            Gen.Elements(Names).SelectMany(n => Gen.Elements("f", "g"), (n, f) => $"{n}#!~#{f}").ArrayOf().ArrayOf().ToArbitrary(), files =>
            {
                using var counter = new SeriesCounter();
                foreach (var file in files)
                {
                    counter.BeginRun();
                    foreach (var key in file.Distinct().Order(StringComparer.Ordinal))
                    {
                        counter.Add(Encoding.UTF8.GetBytes(key));
                    }
                }

                return counter.Count() == files.SelectMany(f => f).Select(k => k[..k.IndexOf("#!~#", StringComparison.Ordinal)]).Distinct().Count();
            }));
    }

    [Fact]
    public void More_files_than_are_merged_at_once_are_counted_as_well()
    {
        using var counter = new SeriesCounter();
        for (var file = 0; file < 300; file++)
        {
            counter.BeginRun();
            for (var i = file; i < file + 100; i++)
            {
                counter.Add(Encoding.ASCII.GetBytes($"m,t={i:00000}#!~#f"));
                counter.Add(Encoding.ASCII.GetBytes($"m,t={i:00000}#!~#g"));
            }
        }

        Assert.Equal(399, counter.Count());
    }

    [Fact]
    public void Keys_in_no_order_are_counted_beside_those_in_order()
    {
        using var counter = new SeriesCounter();
        counter.BeginRun();
        counter.Add("m,t=5#!~#f"u8);
        foreach (var i in new[] { 9, 5, 7, 9, 1 })
        {
            counter.AddUnsorted(Encoding.ASCII.GetBytes($"m,t={i}#!~#f"));
        }

        counter.EndUnsorted();
        Assert.Equal(4, counter.Count());
    }

    [Fact]
    public void Longest_keys_and_many_of_them_are_counted()
    {
        using var counter = new SeriesCounter();
        for (var file = 0; file < 3; file++)
        {
            counter.BeginRun();
            for (var i = 0; i < 40; i++)
            {
                counter.Add(Encoding.ASCII.GetBytes($"m,t={i:000}{new string('x', 65_000)}#!~#f"));
            }
        }

        Assert.Equal(40, counter.Count());
    }

    [Fact]
    public void Nothing_is_no_series()
    {
        using var counter = new SeriesCounter();
        Assert.Equal(0, counter.Count());
        counter.BeginRun();
        Assert.Equal(0, counter.Count());
    }
}
