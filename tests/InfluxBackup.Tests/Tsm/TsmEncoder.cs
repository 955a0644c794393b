using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using IronSnappy;

namespace InfluxBackup.Tests.Tsm;

/// <summary>Writes what the codecs read, in the plainest way: for round trips, and for bytes that no server would write.</summary>
internal static class TsmEncoder
{
    private static readonly int[] Numbers = [240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1];
    private static readonly int[] Widths = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60];

    public static byte[] Uvarint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }
        bytes.Add((byte)value);
        return [.. bytes];
    }

    public static byte[] BigEndian(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>Words that hold exactly these numbers, each the densest that fits.</summary>
    public static byte[] Simple8b(IReadOnlyList<ulong> values)
    {
        var words = new List<byte>();
        for (var at = 0; at < values.Count;)
        {
            var selector = Enumerable.Range(0, 16).First(s => at + Numbers[s] <= values.Count
                && Enumerable.Range(at, Numbers[s]).All(i => s < 2 ? values[i] == 1 : values[i] >> Widths[s] == 0));
            var word = (ulong)selector << 60;
            for (var i = 0; i < Numbers[selector] && selector > 1; i++)
            {
                word |= values[at + i] << (i * Widths[selector]);
            }
            words.AddRange(BigEndian(word));
            at += Numbers[selector];
        }
        return [.. words];
    }

    public static byte[] RawTimes(params long[] times) =>
        [0x00, .. times.SelectMany((t, i) => BigEndian((ulong)(i == 0 ? t : unchecked(t - times[i - 1]))))];

    /// <summary>Packed times; differences must be multiples of 10^exponent, below 2^60 when divided.</summary>
    public static byte[] PackedTimes(int exponent, params long[] times)
    {
        var scale = (ulong)BigInteger.Pow(10, exponent);
        var deltas = times.Skip(1).Select((t, i) => (ulong)unchecked(t - times[i]) / scale).ToArray();
        return [(byte)(0x10 | exponent), .. BigEndian((ulong)times[0]), .. Simple8b(deltas)];
    }

    public static byte[] TimeRun(int exponent, long first, ulong delta, ulong count) =>
        [(byte)(0x20 | exponent), .. BigEndian((ulong)first), .. Uvarint(delta), .. Uvarint(count)];

    private static ulong Zigzag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static ulong[] Zigzags(long[] values) => [.. values.Select((v, i) => Zigzag(unchecked(v - (i == 0 ? 0 : values[i - 1]))))];

    public static byte[] RawIntegers(params long[] values) => [0x00, .. Zigzags(values).SelectMany(BigEndian)];

    /// <summary>Packed integers; zigzag differences after the first must be below 2^60.</summary>
    public static byte[] PackedIntegers(params long[] values)
    {
        var zigzags = Zigzags(values);
        return [0x10, .. BigEndian(zigzags[0]), .. Simple8b(zigzags[1..])];
    }

    public static byte[] IntegerRun(long first, long delta, ulong repeats) =>
        [0x20, .. BigEndian(Zigzag(first)), .. Uvarint(Zigzag(delta)), .. Uvarint(repeats)];

    public static byte[] Booleans(params bool[] values)
    {
        var bits = new byte[(values.Length + 7) / 8];
        for (var i = 0; i < values.Length; i++)
        {
            bits[i / 8] |= (byte)(values[i] ? 0x80 >> (i % 8) : 0);
        }
        return [0x10, .. Uvarint((ulong)values.Length), .. bits];
    }

    public static byte[] Strings(params byte[][] values) =>
        [0x10, .. Snappy.Encode(values.SelectMany(v => Uvarint((ulong)v.Length).Concat(v)).ToArray())];

    public static byte[] Floats(params double[] values)
    {
        var bits = new BitWriter();
        var previous = values.Length == 0 ? EndMarker : BitConverter.DoubleToUInt64Bits(values[0]);
        bits.Write(previous, 64);
        var (leading, trailing) = (-1, 0);
        foreach (var value in values.Skip(1).Select(BitConverter.DoubleToUInt64Bits).Concat(values.Length == 0 ? [] : [EndMarker]))
        {
            var change = value ^ previous;
            previous = value;
            if (change == 0)
            {
                bits.Write(0, 1);
                continue;
            }
            bits.Write(1, 1);
            var (lead, trail) = (Math.Min(31, BitOperations.LeadingZeroCount(change)), BitOperations.TrailingZeroCount(change));
            if (leading >= 0 && lead >= leading && trail >= trailing)
            {
                bits.Write(0, 1);
            }
            else
            {
                (leading, trailing) = (lead, trail);
                bits.Write(1, 1);
                bits.Write((ulong)leading, 5);
                bits.Write((ulong)(64 - leading - trailing) & 63, 6);
            }
            bits.Write(change >> trailing, 64 - leading - trailing);
        }
        return [0x10, .. bits.ToArray()];
    }

    public const ulong EndMarker = 0x7ff8000000000001;

    public static byte[] Block(byte type, byte[] times, byte[] values) => [type, .. Uvarint((ulong)times.Length), .. times, .. values];

    /// <summary>A sound file around these blocks; keys in the order given.</summary>
    public static byte[] File(params (string Key, byte Type, (long Min, long Max, byte[] Block)[] Blocks)[] keys)
    {
        var bytes = new List<byte> { 0x16, 0xd1, 0x16, 0xd1, 1 };
        var index = new List<byte>();
        foreach (var (name, type, blocks) in keys)
        {
            var key = Encoding.UTF8.GetBytes(name);
            index.AddRange([(byte)(key.Length >> 8), (byte)key.Length, .. key, type, (byte)(blocks.Length >> 8), (byte)blocks.Length]);
            foreach (var (min, max, block) in blocks)
            {
                index.AddRange([.. BigEndian((ulong)min), .. BigEndian((ulong)max), .. BigEndian((ulong)bytes.Count), .. BigEndian((ulong)block.Length + 4)[4..]]);
                bytes.AddRange([.. Crc(block), .. block]);
            }
        }
        var start = (ulong)bytes.Count;
        return [.. bytes, .. index, .. BigEndian(start)];
    }

    /// <summary>CRC-32 bit by bit, as the standard defines it: not the code under test.</summary>
    public static byte[] Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xffffffffu;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xedb88320u);
            }
        }
        return BigEndian(~crc)[4..];
    }

    private sealed class BitWriter
    {
        private readonly List<byte> bytes = [];
        private int used;

        public void Write(ulong value, int count)
        {
            while (count-- > 0)
            {
                if (used++ % 8 == 0)
                {
                    bytes.Add(0);
                }
                bytes[^1] |= (byte)(((value >> count) & 1) << (7 - (used - 1) % 8));
            }
        }

        public byte[] ToArray() => [.. bytes];
    }
}
