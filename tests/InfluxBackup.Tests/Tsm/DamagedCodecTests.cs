using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tests.Tsm;

/// <summary>
/// Encoded values with flipped bits, wrong bytes, pieces cut off: the codecs see in them what the plainest decoder sees,
/// or an error as it does, and touch no byte outside of what they were given.
/// </summary>
public sealed class DamagedCodecTests : IDisposable
{
    private const int MostValues = 10_000;

    private readonly GuardedMemory source = new(1 << 20);
    private readonly GuardedMemory target = new((MostValues + 200) * sizeof(long));

    public void Dispose()
    {
        source.Dispose();
        target.Dispose();
    }

    /// <summary>Each case is a seed: all that happens in it follows from the number, which the message of a failure names.</summary>
    private static void ForSeeds(int cases, Action<Random> body) => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(cases),
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => body(new Random(seed))));

    private delegate void Encode(IBufferWriter<byte> destination);

    private static byte[] Encoded(Encode encode)
    {
        var writer = new ArrayBufferWriter<byte>();
        encode(writer);
        return writer.WrittenSpan.ToArray();
    }

    private static byte[] Damage(byte[] encoded, Random random)
    {
        var bytes = encoded.ToArray();
        for (var i = random.Next(5); i > 0; i--)
        {
            var at = random.Next(4) == 0 ? random.Next(Math.Min(20, bytes.Length)) : random.Next(bytes.Length);
            bytes[at] = random.Next(2) == 0 ? (byte)(bytes[at] ^ (1 << random.Next(8))) : (byte)random.Next(256);
        }
        return random.Next(4) == 0 ? bytes[..random.Next(1, bytes.Length + 1)] : bytes;
    }

    private static byte[] Noise(Random random, byte first)
    {
        var bytes = new byte[random.Next(1, 200)];
        random.NextBytes(bytes);
        bytes[0] = first;
        return bytes;
    }

    private static long[] Longs(Random random)
    {
        var values = new long[random.Next(1, 1200)];
        var (value, shift, constant) = (random.NextInt64() >> random.Next(64), random.Next(64), random.Next(5) == 0);
        var scale = (long)Math.Pow(10, random.Next(4) * random.Next(4));
        for (var i = 0; i < values.Length; i++)
        {
            shift = random.Next(40) == 0 ? random.Next(3, 64) : shift;
            values[i] = value += constant ? 1 : (random.NextInt64() >> shift) * scale;
        }
        return values;
    }

    private static double[] Doubles(Random random)
    {
        var values = new double[random.Next(0, 400)];
        var kind = random.Next(4);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = kind switch
            {
                0 => random.NextDouble() * 100,
                1 => Math.Round(random.NextDouble() * 10, 1),
                2 => random.Next(10) == 0 ? i : values[Math.Max(0, i - 1)],
                _ => BitConverter.Int64BitsToDouble(random.NextInt64() & ~(0x7ffL << 52) | (long)random.Next(0x7ff) << 52),
            };
        }
        return values;
    }

    /// <summary>The bytes where the next one, or the one before, is out of bounds.</summary>
    private ReadOnlySpan<byte> Guarded(byte[] encoded, Random random)
    {
        var span = random.Next(3) == 0 ? source.AtTheStart(encoded.Length) : source.BeforeTheEnd(encoded.Length);
        encoded.CopyTo(span);
        return span;
    }

    private Span<T> Room<T>(int count, Random random)
        where T : unmanaged
    {
        var bytes = target.BeforeTheEnd(count * Marshal.SizeOf<T>());
        random.NextBytes(bytes);
        return MemoryMarshal.Cast<byte, T>(bytes);
    }

    private static List<T>? Plain<T>(Func<List<T>> decode)
    {
        try
        {
            return decode();
        }
        catch (TsmFormatException)
        {
            return null;
        }
    }

    private delegate ulong Counting(ReadOnlySpan<byte> encoded);

    private delegate int Decoding(ReadOnlySpan<byte> encoded, Span<long> destination);

    private void AssertSame(byte[] encoded, List<long>? expected, Counting count, Decoding decode, Random random)
    {
        List<long>? found = null;
        try
        {
            var bytes = Guarded(encoded, random);
            var claimed = count(bytes);
            if (claimed > MostValues)
            {
                return;
            }
            // Exactly enough room, or a little more, which may be written to.
            var room = Room<long>((int)claimed + random.Next(3) * random.Next(70), random);
            Assert.Equal((int)claimed, decode(bytes, room));
            found = [.. room[..(int)claimed]];
        }
        catch (TsmFormatException)
        {
            // Compared below.
        }
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Damaged_times_are_what_the_plain_decoder_says() => ForSeeds(3000, random =>
    {
        var encoded = random.Next(6) == 0
            ? Noise(random, (byte)(random.Next(3) << 4 | random.Next(14)))
            : Damage(Encoded(w => TimestampCodec.Encode(Longs(random), w)), random);
        AssertSame(encoded, Plain(() => PlainDecoder.Times(encoded)), TimestampCodec.Count, TimestampCodec.Decode, random);
    });

    [Fact]
    public void Damaged_integers_are_what_the_plain_decoder_says() => ForSeeds(3000, random =>
    {
        var encoded = random.Next(6) == 0
            ? Noise(random, (byte)(random.Next(4) << 4))
            : Damage(Encoded(w => IntegerCodec.Encode(Longs(random), w)), random);
        AssertSame(encoded, Plain(() => PlainDecoder.Integers(encoded)), IntegerCodec.Count, IntegerCodec.Decode, random);
    });

    [Fact]
    public void Words_of_every_selector_in_any_order_are_what_the_plain_decoder_says() => ForSeeds(2000, random =>
    {
        var encoded = new byte[9 + 8 * random.Next(40)];
        random.NextBytes(encoded);
        encoded[0] = (byte)(0x10 | random.Next(13));
        var least = random.Next(16);
        for (var i = 9; i < encoded.Length; i += 8)
        {
            encoded[i] = (byte)(random.Next(least, 16) << 4 | encoded[i] & 0xf);
        }
        AssertSame(encoded, Plain(() => PlainDecoder.Times(encoded)), TimestampCodec.Count, TimestampCodec.Decode, random);
        AssertSame(encoded, Plain(() => PlainDecoder.Integers(encoded)), IntegerCodec.Count, IntegerCodec.Decode, random);
    });

    [Fact]
    public void Damaged_floats_are_what_the_plain_decoder_says() => ForSeeds(4000, random =>
    {
        var encoded = random.Next(6) == 0 ? Noise(random, 0x10) : Damage(Encoded(w => FloatCodec.Encode(Doubles(random), w)), random);
        var most = random.Next(2) == 0 ? 2000 : random.Next(400);
        List<ulong>? found = null;
        try
        {
            var room = Room<double>(most, random);
            var count = FloatCodec.Decode(Guarded(encoded, random), room);
            found = [.. MemoryMarshal.Cast<double, ulong>(room[..count])];
        }
        catch (TsmFormatException)
        {
            // Compared below.
        }
        Assert.Equal(Plain(() => PlainDecoder.Floats(encoded, most)), found);
    });

    [Fact]
    public void Damaged_booleans_are_what_the_plain_decoder_says() => ForSeeds(1000, random =>
    {
        var values = new bool[random.Next(300)];
        MemoryMarshal.AsBytes(values.AsSpan()).Fill(1);
        var encoded = Damage(Encoded(w => BooleanCodec.Encode(values, w)), random);
        List<bool>? found = null;
        try
        {
            var bytes = Guarded(encoded, random);
            var room = MemoryMarshal.Cast<byte, bool>(target.BeforeTheEnd((int)BooleanCodec.Count(bytes)));
            Assert.Equal(room.Length, BooleanCodec.Decode(bytes, room));
            found = [.. room];
        }
        catch (TsmFormatException)
        {
            // Compared below.
        }
        Assert.Equal(Plain(() => PlainDecoder.Booleans(encoded)), found);
    });

    [Fact]
    public void Damaged_strings_are_what_the_plain_decoder_says() => ForSeeds(3000, random =>
    {
        var text = new List<byte>();
        var ranges = new Range[random.Next(200)];
        for (var i = 0; i < ranges.Length; i++)
        {
            var start = text.Count;
            text.AddRange(random.Next(6) switch
            {
                0 => new byte[random.Next(400)],
                1 => Encoding.UTF8.GetBytes($"state {random.Next(3)}"),
                2 => Encoding.UTF8.GetBytes(new string((char)('a' + random.Next(26)), random.Next(3))),
                3 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("abcdefghijklmnop"[..random.Next(16)], random.Next(20)))),
                _ => Encoding.UTF8.GetBytes(Convert.ToHexString(BitConverter.GetBytes(random.NextInt64()))),
            });
            ranges[i] = start..text.Count;
        }
        AssertSameStrings(Damage(Encoded(w => StringCodec.Encode(ranges, text.ToArray(), w)), random), random.Next(2) == 0 ? 300 : random.Next(200), random);
    });

    [Fact]
    public void Elements_of_every_kind_in_any_order_unpack_to_what_the_plain_decoder_says() => ForSeeds(4000, random =>
    {
        var elements = new List<byte>();
        var length = 0;
        for (var i = random.Next(1, 40); i > 0; i--)
        {
            var wrong = random.Next(300) == 0 ? random.Next(-2, 3) : 0;
            if (length == 0 || random.Next(2) == 0)
            {
                var size = random.Next(5) == 0 ? random.Next(1, 1000) : random.Next(1, 20);
                elements.AddRange(random.Next(3) == 0 || size > 60
                    ? [62 << 2, (byte)(size - 1), (byte)((size - 1) >> 8), 0]
                    : [(byte)((size - 1) << 2)]);
                var literal = new byte[Math.Max(0, size + wrong)];
                random.NextBytes(literal);
                elements.AddRange(literal);
                length += size;
                continue;
            }
            var distance = Math.Max(0, random.Next(1, Math.Min(length, random.Next(2) == 0 ? 20 : 100_000) + 1) + wrong);
            var count = random.Next(1, 65);
            switch (random.Next(3))
            {
                case 0 when distance < 2048:
                    count = random.Next(4, 12);
                    elements.AddRange([(byte)(distance >> 8 << 5 | (count - 4) << 2 | 1), (byte)distance]);
                    break;
                case 1:
                    elements.AddRange([(byte)((count - 1) << 2 | 3), (byte)distance, (byte)(distance >> 8), (byte)(distance >> 16), 0]);
                    break;
                default:
                    distance &= 0xffff;
                    elements.AddRange([(byte)((count - 1) << 2 | 2), (byte)distance, (byte)(distance >> 8)]);
                    break;
            }
            length += count;
        }
        length += random.Next(50) == 0 ? random.Next(-1, 2) : 0;
        // All of it is one string: the length of that comes first, in a piece of its own.
        var prefix = TsmEncoder.Uvarint((ulong)Math.Max(0, length));
        AssertSameStrings(
            [0x10, .. TsmEncoder.Uvarint((ulong)(prefix.Length + Math.Max(0, length))), (byte)((prefix.Length - 1) << 2), .. prefix, .. elements], 3, random);
    });

    private void AssertSameStrings(byte[] encoded, int most, Random random)
    {
        List<string>? found = null;
        byte[] text = [];
        try
        {
            var ranges = new Range[most];
            var count = StringCodec.Decode(Guarded(encoded, random), ranges, ref text);
            found = [.. ranges[..count].Select(r => Convert.ToHexString(text[r]))];
        }
        catch (TsmFormatException)
        {
            // Compared below.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
        Assert.Equal(Plain(() => PlainDecoder.Strings(encoded, most).ConvertAll(Convert.ToHexString)), found);
    }
}
