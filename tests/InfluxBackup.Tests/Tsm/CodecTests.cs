using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tests.Tsm;

public class CodecTests
{
    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(2000);

    private static readonly Gen<long> AnyLong = Gen.OneOf(
        Gen.Choose(-1000, 1000).Select(n => (long)n),
        ArbMap.Default.GeneratorFor<ulong>().Select(n => (long)n),
        Gen.Elements(long.MinValue, long.MaxValue, 0, -1, 1L << 59, (1L << 60) - 1));

    private static void ForAll<T>(Gen<T> gen, Action<T> body) => Check.One(Config, Prop.ForAll(gen.ToArbitrary(), body));

    private static Gen<T[]> NonEmpty<T>(Gen<T> gen) => gen.NonEmptyListOf().Select(l => l.ToArray());

    [Fact]
    public void Simple8b_gives_back_any_numbers_below_2_to_the_60() => ForAll(
        NonEmpty(Gen.OneOf(Gen.Constant(1UL), AnyLong.Select(n => (ulong)n >> 4), Gen.Choose(0, 63).SelectMany(w => AnyLong.Select(n => (ulong)n >> 4 >> (w % 60))))),
        values =>
        {
            var words = TsmEncoder.Simple8b(values);
            var decoded = new ulong[values.Length];
            Assert.Equal(values.Length, Simple8b.Count(words));
            Assert.Equal(values.Length, Simple8b.Decode(words, decoded));
            Assert.Equal(values, decoded);
        });

    [Fact]
    public void Simple8b_runs_of_240_and_120_ones_are_one_word_each()
    {
        var words = TsmEncoder.Simple8b([.. Enumerable.Repeat(1UL, 360)]);
        Assert.Equal(16, words.Length);
        var decoded = new ulong[360];
        Simple8b.Decode(words, decoded);
        Assert.All(decoded, v => Assert.Equal(1UL, v));
    }

    [Fact]
    public void Raw_times_come_back() => ForAll(NonEmpty(AnyLong), times => AssertTimes(times, TsmEncoder.RawTimes(times)));

    [Fact]
    public void Packed_times_come_back_at_every_scale() => ForAll(
        from exponent in Gen.Choose(0, 12)
        from first in AnyLong
        from deltas in Gen.Choose(0, 1 << 20).ListOf()
        select (exponent, first, deltas),
        x =>
        {
            var scale = (long)Math.Pow(10, x.exponent);
            var times = new long[x.deltas.Count + 1];
            times[0] = x.first;
            for (var i = 1; i < times.Length; i++)
            {
                times[i] = unchecked(times[i - 1] + x.deltas[i - 1] * scale);
            }
            AssertTimes(times, TsmEncoder.PackedTimes(x.exponent, times));
        });

    [Fact]
    public void A_run_of_times_comes_back()
    {
        var expected = Enumerable.Range(0, 1000).Select(i => -5_000_000_000 + i * 10_000_000_000L).ToArray();
        AssertTimes(expected, TsmEncoder.TimeRun(9, expected[0], 10, 1000));
    }

    private static void AssertTimes(long[] expected, byte[] encoded)
    {
        var decoded = new long[expected.Length];
        Assert.Equal((ulong)expected.Length, TimestampCodec.Count(encoded));
        Assert.Equal(expected.Length, TimestampCodec.Decode(encoded, decoded));
        Assert.Equal(expected, decoded);
    }

    [Fact]
    public void Raw_integers_come_back() => ForAll(NonEmpty(AnyLong), values => AssertIntegers(values, TsmEncoder.RawIntegers(values)));

    [Fact]
    public void Packed_integers_come_back() => ForAll(
        NonEmpty(Gen.Choose(int.MinValue, int.MaxValue).Select(n => (long)n << 20)),
        values => AssertIntegers(values, TsmEncoder.PackedIntegers(values)));

    [Fact]
    public void A_run_of_integers_counts_its_repeats_without_the_first() =>
        AssertIntegers([7, 4, 1, -2], TsmEncoder.IntegerRun(7, -3, 3));

    private static void AssertIntegers(long[] expected, byte[] encoded)
    {
        var decoded = new long[expected.Length];
        Assert.Equal((ulong)expected.Length, IntegerCodec.Count(encoded));
        Assert.Equal(expected.Length, IntegerCodec.Decode(encoded, decoded));
        Assert.Equal(expected, decoded);

        var unsigned = new ulong[expected.Length];
        Assert.Equal(expected.Length, UnsignedCodec.Decode(encoded, unsigned));
        Assert.Equal(expected.Select(v => (ulong)v), unsigned);
    }

    [Fact]
    public void Booleans_come_back() => ForAll(NonEmpty(ArbMap.Default.GeneratorFor<bool>()), values =>
    {
        var encoded = TsmEncoder.Booleans(values);
        var decoded = new bool[values.Length];
        Assert.Equal((ulong)values.Length, BooleanCodec.Count(encoded));
        Assert.Equal(values.Length, BooleanCodec.Decode(encoded, decoded));
        Assert.Equal(values, decoded);
    });

    [Fact]
    public void Floats_come_back_bit_by_bit() => ForAll(
        NonEmpty(Gen.OneOf(
            AnyLong.Select(BitConverter.Int64BitsToDouble).Where(d => BitConverter.DoubleToUInt64Bits(d) != TsmEncoder.EndMarker),
            Gen.Choose(-100, 100).Select(n => n / 10.0),
            Gen.Elements(0.0, -0.0, double.MaxValue, double.Epsilon, 1.0))),
        values =>
        {
            var decoded = new double[values.Length + 1];
            Assert.Equal(values.Length, FloatCodec.Decode(TsmEncoder.Floats(values), decoded));
            Assert.Equal(values.Select(BitConverter.DoubleToUInt64Bits), decoded[..^1].Select(BitConverter.DoubleToUInt64Bits));
        });

    [Fact]
    public void Strings_of_any_bytes_come_back() => ForAll(
        NonEmpty(ArbMap.Default.GeneratorFor<byte>().ArrayOf()),
        values =>
        {
            var ranges = new Range[values.Length + 1];
            byte[] text = [];
            Assert.Equal(values.Length, StringCodec.Decode(TsmEncoder.Strings(values), ranges, ref text));
            Assert.Equal(values, ranges[..^1].Select(r => text[r].ToArray()));
        });

    [Fact]
    public void A_cut_float_stream_is_an_error_and_not_a_shorter_one()
    {
        var encoded = TsmEncoder.Floats(1, 2.5, -17, 1e300);
        for (var length = 0; length < encoded.Length - 1; length++)
        {
            Assert.Throws<TsmFormatException>(() => FloatCodec.Decode(encoded.AsSpan(0, length), new double[10]));
        }
    }

    [Fact]
    public void Random_bytes_give_points_or_a_format_error_and_nothing_else() => ForAll(
        from encoding in Gen.Choose(0, 3)
        from bytes in ArbMap.Default.GeneratorFor<byte>().ArrayOf()
        select (byte[])[(byte)(encoding << 4), .. bytes],
        encoded =>
        {
            byte[] text = [];
            Try(() => Decode(TimestampCodec.Count(encoded), n => TimestampCodec.Decode(encoded, new long[n])));
            Try(() => Decode(IntegerCodec.Count(encoded), n => IntegerCodec.Decode(encoded, new long[n])));
            Try(() => Decode(BooleanCodec.Count(encoded), n => BooleanCodec.Decode(encoded, new bool[n])));
            Try(() => FloatCodec.Decode(encoded, new double[100]));
            Try(() => StringCodec.Decode(encoded, new Range[100], ref text));
        });

    [Fact]
    public void Damaged_compressed_text_is_a_format_error_and_nothing_else() => ForAll(
        from at in Gen.Choose(0, 400)
        from value in ArbMap.Default.GeneratorFor<byte>()
        from cut in Gen.Choose(0, 400)
        select (at, value, cut),
        x =>
        {
            var encoded = TsmEncoder.Strings([.. Enumerable.Range(0, 60).Select(i => Encoding.UTF8.GetBytes($"text {i % 7} and {i}"))]);
            byte[] text = [];
            encoded[1 + x.at % (encoded.Length - 1)] = x.value;
            Try(() => StringCodec.Decode(encoded, new Range[100], ref text));
            Try(() => StringCodec.Decode(encoded.AsSpan(0, Math.Max(1, encoded.Length - x.cut)), new Range[100], ref text));
        });

    [Fact]
    public void A_claim_of_2_GiB_of_text_allocates_nothing()
    {
        byte[] encoded = [0x10, .. TsmEncoder.Uvarint(1UL << 31), .. new byte[1000]];
        byte[] text = [];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<TsmFormatException>(() => StringCodec.Decode(encoded, new Range[10], ref text));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
        Assert.Contains("2147483648", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_of_billions_is_counted_without_being_unpacked()
    {
        Assert.Equal(uint.MaxValue, TimestampCodec.Count(TsmEncoder.TimeRun(0, 0, 1, uint.MaxValue)));
        Assert.Equal(ulong.MaxValue, IntegerCodec.Count(TsmEncoder.IntegerRun(0, 1, ulong.MaxValue)));
    }

    private static void Decode(ulong count, Action<int> decode)
    {
        if (count < 100_000)
        {
            decode((int)count);
        }
    }

    private static void Try(Action decode)
    {
        try
        {
            decode();
        }
        catch (TsmFormatException)
        {
            // What damaged bytes are allowed to be.
        }
    }
}
