using System.Buffers;
using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tests.Tsm;

/// <summary>What the codecs write is what they read, and what real servers wrote.</summary>
public class EncodingTests
{
    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(100).WithEndSize(3000);

    private static readonly Gen<long> AnyLong = Gen.OneOf(
        Gen.Choose(-1000, 1000).Select(n => (long)n),
        ArbMap.Default.GeneratorFor<ulong>().Select(n => (long)n),
        Gen.Elements(long.MinValue, long.MinValue + 1, long.MaxValue, 0, 1, -1, 1L << 59, (1L << 60) - 1, 1L << 60));

    private static void ForAll<T>(Gen<T> gen, Action<T> body) => Check.One(Config, Prop.ForAll(gen.ToArbitrary(), body));

    /// <summary>One to many values; neighbours are independent, or differ little, or stay the same for a while.</summary>
    private static Gen<long[]> Longs => Gen.OneOf(
        AnyLong.NonEmptyListOf().Select(l => l.ToArray()),
        from first in AnyLong
        from scale in Gen.Elements(1L, 10, 1000, 1_000_000_000, 1_000_000_000_000, 10_000_000_000_000)
        from low in Gen.Elements(-300, 0, 1)
        from high in Gen.Elements(1, 2, 1000, 1 << 20)
        from deltas in Gen.Choose(low, high).ListOf()
        select Sums(first, deltas.Select(d => d * scale)),
        from runs in Gen.Choose(1, 300).Zip(AnyLong).NonEmptyListOf().Resize(30)
        select Sums(0, runs.SelectMany(run => Enumerable.Repeat(run.Item2, run.Item1))));

    private static long[] Sums(long first, IEnumerable<long> deltas)
    {
        var values = new List<long> { first };
        foreach (var delta in deltas)
        {
            values.Add(unchecked(values[^1] + delta));
        }
        return [.. values];
    }

    private delegate void Encoding(IBufferWriter<byte> destination);

    private static byte[] Encoded(Encoding encode)
    {
        var writer = new ArrayBufferWriter<byte>();
        encode(writer);
        return writer.WrittenSpan.ToArray();
    }

    [Fact]
    public void Every_block_of_a_real_server_is_written_byte_by_byte_as_the_server_wrote_it()
    {
        var types = new HashSet<(TsmBlockType, int)>();
        var blocks = 0;
        foreach (var archive in GoldenTsmTests.Archives.Select(row => row.Data))
        {
            foreach (var (name, bytes) in GoldenFiles.Unpack(Path.Combine(GoldenFiles.Root, archive)).Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal)))
            {
                foreach (var block in Blocks(TsmFile.FromMemory(bytes, name)))
                {
                    using var points = new TsmPoints();
                    points.Decode(block);
                    var written = Encoded(w => new TsmBlockEncoder().Encode(points, w));
                    if (points.Type == TsmBlockType.String)
                    {
                        // What compressed text looks like is up to the compressor; only what it says counts.
                        using var again = new TsmPoints();
                        again.Decode(written);
                        Assert.Equal(points.Times, again.Times);
                        Assert.Equal(Strings(points), Strings(again));
                    }
                    else
                    {
                        Assert.Equal(Convert.ToHexString(block), Convert.ToHexString(written));
                    }
                    types.Add((points.Type, TsmBlock.Parse(block).Values[0] >> 4));
                    blocks++;
                }
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{blocks} blocks: {string.Join(", ", types.Order())}");
        Assert.True(blocks > 600 && types.Count > 5);
    }

    private static List<byte[]> Blocks(TsmFile file)
    {
        var blocks = new List<byte[]>();
        using var index = file.ReadIndex();
        while (index.ReadKey())
        {
            while (index.ReadEntry(out var entry))
            {
                var block = new byte[entry.BlockSize];
                file.Read(entry.BlockOffset, block);
                blocks.Add(block);
            }
        }
        return blocks;
    }

    private static List<string> Strings(TsmPoints points) => [.. Enumerable.Range(0, points.Count).Select(i => Convert.ToHexString(points.String(i)))];

    [Fact]
    public void Times_come_back() => ForAll(Longs, times =>
    {
        var encoded = Encoded(w => TimestampCodec.Encode(times, w));
        var decoded = new long[times.Length];
        Assert.Equal((ulong)times.Length, TimestampCodec.Count(encoded));
        Assert.Equal(times.Length, TimestampCodec.Decode(encoded, decoded));
        Assert.Equal(times, decoded);
    });

    [Fact]
    public void Integers_come_back_signed_and_unsigned() => ForAll(Longs, values =>
    {
        var encoded = Encoded(w => IntegerCodec.Encode(values, w));
        var decoded = new long[values.Length];
        Assert.Equal((ulong)values.Length, IntegerCodec.Count(encoded));
        Assert.Equal(values.Length, IntegerCodec.Decode(encoded, decoded));
        Assert.Equal(values, decoded);

        var unsigned = values.Select(v => (ulong)v).ToArray();
        Assert.Equal(encoded, Encoded(w => UnsignedCodec.Encode(unsigned, w)));
    });

    [Fact]
    public void Packed_numbers_come_back_and_take_no_more_words_than_the_plainest_packing() => ForAll(
        Longs.SelectMany(v => Gen.Choose(4, 63).Select(shift => v.Select(n => Math.Abs(n >> 1) is var m && m < 100 ? (ulong)m : (ulong)n >> shift).ToArray())),
        values =>
        {
            var words = Encoded(w => Simple8b.Encode(values, w));
            Assert.Equal(TsmEncoder.Simple8b(values), words);
            var decoded = new ulong[values.Length];
            Assert.Equal(values.Length, Simple8b.Decode(words, decoded));
            Assert.Equal(values, decoded);
        });

    [Fact]
    public void Floats_come_back_bit_by_bit() => ForAll(
        Gen.OneOf(
            AnyLong.Select(BitConverter.Int64BitsToDouble).Where(d => !double.IsNaN(d)).ListOf(),
            Gen.Choose(-100, 100).Select(n => n / 10.0).ListOf(),
            Gen.Choose(0, 3).Select(n => (double)n).ListOf(),
            Gen.Elements(0.0, -0.0, double.MaxValue, double.MinValue, double.Epsilon, -double.Epsilon, 2.2e-308, double.PositiveInfinity, 1.0).ListOf()),
        list =>
        {
            var values = list.ToArray();
            var decoded = new double[values.Length + 1];
            Assert.Equal(values.Length, FloatCodec.Decode(Encoded(w => FloatCodec.Encode(values, w)), decoded));
            Assert.Equal(values.Select(BitConverter.DoubleToUInt64Bits), decoded[..^1].Select(BitConverter.DoubleToUInt64Bits));
        });

    [Fact]
    public void Booleans_come_back() => ForAll(ArbMap.Default.GeneratorFor<bool>().ListOf().Select(l => l.ToArray()), values =>
    {
        var encoded = Encoded(w => BooleanCodec.Encode(values, w));
        Assert.Equal(TsmEncoder.Booleans(values), encoded);
        var decoded = new bool[values.Length];
        Assert.Equal(values.Length, BooleanCodec.Decode(encoded, decoded));
        Assert.Equal(values, decoded);
    });

    [Fact]
    public void Strings_of_any_bytes_come_back() => ForAll(
        ArbMap.Default.GeneratorFor<byte>().ArrayOf().Resize(300).ListOf(),
        values =>
        {
            var text = values.SelectMany(v => v).ToArray();
            var end = 0;
            var ranges = values.Select(v => new Range(end, end += v.Length)).ToArray();
            var decoded = new Range[values.Count + 1];
            byte[] unpacked = [];
            Assert.Equal(values.Count, StringCodec.Decode(Encoded(w => StringCodec.Encode(ranges, text, w)), decoded, ref unpacked));
            Assert.Equal(values, decoded[..^1].Select(r => unpacked[r].ToArray()));
        });

    [Fact]
    public void NaN_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Encoded(w => FloatCodec.Encode([1, double.NaN], w)));
        Assert.Throws<ArgumentException>(() => Encoded(w => FloatCodec.Encode([double.NaN], w)));
    }

    [Fact]
    public void Numbers_of_61_bits_are_refused_by_the_packing_and_written_raw_by_those_who_use_it()
    {
        Assert.Throws<ArgumentException>(() => Encoded(w => Simple8b.Encode([1, 1UL << 60], w)));
        Assert.Equal(0, Encoded(w => TimestampCodec.Encode([0, 1, 1L << 61], w))[0] >> 4);
        Assert.Equal(0, Encoded(w => IntegerCodec.Encode([0, 1, 1L << 60], w))[0] >> 4);
    }

    [Fact]
    public void A_single_time_has_the_largest_scale() =>
        Assert.Equal("1C14D1120D7B160000", Convert.ToHexString(Encoded(w => TimestampCodec.Encode([1500000000000000000], w))));

    [Fact]
    public void Leading_zeros_are_written_modulo_32_as_the_server_does()
    {
        // 1.0 to the next float: 63 leading zeros, stored as 31, so that 33 bits follow.
        var encoded = Encoded(w => FloatCodec.Encode([1.0, BitConverter.UInt64BitsToDouble(0x3ff0000000000001)], w));
        var control = BinaryPrimitives.ReadUInt16BigEndian(encoded.AsSpan(9));
        Assert.Equal(0b11_11111_100001, control >> 3);
    }

    [Fact]
    public void Times_and_values_that_differ_in_number_are_no_block()
    {
        Assert.Throws<ArgumentException>(() => Encoded(w => new TsmBlockEncoder().Encode([1, 2], [1.0], w)));
        Assert.Throws<ArgumentException>(() => Encoded(w => new TsmBlockEncoder().Encode([], Array.Empty<bool>(), w)));
    }

    [Fact]
    public void Points_that_are_removed_are_not_in_the_block_that_is_written()
    {
        using var points = new TsmPoints();
        points.Decode(Encoded(w => new TsmBlockEncoder().Encode([1, 2, 3, 4, 5], [0..1, 1..1, 1..3, 3..4, 4..6], "abcdef"u8, w)));
        Assert.Equal(2, points.Remove(2, 3));
        Assert.Equal(0, points.Remove(6, long.MaxValue));
        var written = Encoded(w => new TsmBlockEncoder().Encode(points, w));
        points.Decode(written);
        Assert.Equal([1, 4, 5], points.Times);
        Assert.Equal(["61", "64", "6566"], Strings(points));
        Assert.Equal(3, points.Remove(long.MinValue, long.MaxValue));
        Assert.Equal(0, points.Count);
    }
}
