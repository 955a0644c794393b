using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>
/// Reads what the codecs read, in the plainest way: bit by bit, value by value, into lists. What the codecs make of any
/// bytes at all must be what this makes of them, or an error where this sees one.
/// </summary>
internal static class PlainDecoder
{
    private static readonly int[] Numbers = [240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1];
    private static readonly int[] Widths = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60];

    public static List<long> Times(byte[] encoded)
    {
        var (encoding, exponent) = (encoded[0] >> 4, encoded[0] & 0xf);
        Require(encoding <= 2 && (encoding == 0 || exponent <= 12));
        var at = 1;
        var scale = 1UL;
        for (var i = 0; i < exponent; i++)
        {
            scale *= 10;
        }
        var time = BigEndian(encoded, ref at);
        switch (encoding)
        {
            case 0:
                return Sums(time, Raw(encoded, at), delta => delta);
            case 1:
                return Sums(time, Simple8b(encoded, at), delta => delta * scale);
            default:
                var step = Uvarint(encoded, ref at);
                var count = Uvarint(encoded, ref at);
                Require(count < 1_000_000);
                return [.. Enumerable.Range(0, (int)count).Select(i => (long)(time + (ulong)i * step * scale))];
        }
    }

    public static List<long> Integers(byte[] encoded)
    {
        var encoding = encoded[0] >> 4;
        Require(encoding <= 2);
        var at = 1;
        var first = Unzigzag(BigEndian(encoded, ref at));
        switch (encoding)
        {
            case 0:
                return Sums(first, Raw(encoded, at), Unzigzag);
            case 1:
                return Sums(first, Simple8b(encoded, at), Unzigzag);
            default:
                var step = Unzigzag(Uvarint(encoded, ref at));
                var repeats = Uvarint(encoded, ref at);
                Require(repeats < 1_000_000);
                return [.. Enumerable.Range(0, (int)repeats + 1).Select(i => (long)(first + (ulong)i * step))];
        }
    }

    public static List<bool> Booleans(byte[] encoded)
    {
        Require(encoded[0] >> 4 == 1);
        var at = 1;
        var count = Uvarint(encoded, ref at);
        Require(count <= (ulong)(encoded.Length - at) * 8);
        return [.. Enumerable.Range(0, (int)count).Select(i => ((encoded[at + i / 8] << (i % 8)) & 0x80) != 0)];
    }

    /// <summary>The bits of floats until the end marker, or until there are as many as asked for.</summary>
    public static List<ulong> Floats(byte[] encoded, int most)
    {
        Require(encoded[0] >> 4 == 1);
        var position = 8L;
        ulong Bits(int count)
        {
            var bits = 0UL;
            for (; count > 0; count--, position++)
            {
                Require(position < encoded.Length * 8L);
                bits = bits << 1 | (uint)(encoded[position / 8] >> (int)(7 - position % 8) & 1);
            }
            return bits;
        }
        var values = new List<ulong>();
        var (leading, significant) = (0, 64);
        var value = Bits(64);
        while (value != TsmEncoder.EndMarker && values.Count < most)
        {
            values.Add(value);
            if (values.Count == most || Bits(1) == 0)
            {
                continue;
            }
            if (Bits(1) == 1)
            {
                leading = (int)Bits(5);
                significant = (int)Bits(6);
                significant = significant == 0 ? 64 : significant;
                Require(leading + significant <= 64);
            }
            value ^= Bits(significant) << (64 - leading - significant);
        }
        return values;
    }

    /// <summary>Strings until the end of the text, or until there are as many as asked for.</summary>
    public static List<byte[]> Strings(byte[] encoded, int most)
    {
        Require(encoded[0] >> 4 == 1);
        var text = Snappy(encoded[1..]);
        var strings = new List<byte[]>();
        for (var at = 0; at < text.Length && strings.Count < most;)
        {
            var length = Uvarint(text, ref at);
            Require(length <= (ulong)(text.Length - at));
            strings.Add(text[at..(at + (int)length)]);
            at += (int)length;
        }
        return strings;
    }

    public static byte[] Snappy(byte[] block)
    {
        var at = 0;
        var claimed = Uvarint(block, ref at);
        Require(claimed < 10_000_000);
        var text = new List<byte>();
        int LittleEndian(int count)
        {
            Require(at + count <= block.Length);
            var number = 0L;
            for (var i = 0; i < count; i++)
            {
                number |= (long)block[at++] << (8 * i);
            }
            Require(number < int.MaxValue);
            return (int)number;
        }
        while (at < block.Length)
        {
            var tag = block[at++];
            var upper = tag >> 2;
            if (tag % 4 == 0)
            {
                var length = 1 + (upper < 60 ? upper : LittleEndian(upper - 59));
                Require(length <= block.Length - at);
                text.AddRange(block[at..(at + length)]);
                at += length;
                continue;
            }
            var count = tag % 4 == 1 ? 4 + upper % 8 : 1 + upper;
            var distance = tag % 4 == 1 ? upper / 8 * 256 + LittleEndian(1) : LittleEndian(tag % 4 == 2 ? 2 : 4);
            Require(distance > 0 && distance <= text.Count);
            for (var i = 0; i < count; i++)
            {
                text.Add(text[^distance]);
            }
        }
        Require((ulong)text.Count == claimed);
        return [.. text];
    }

    private static List<ulong> Simple8b(byte[] encoded, int at)
    {
        var values = new List<ulong>();
        while (at < encoded.Length)
        {
            var word = BigEndian(encoded, ref at);
            var selector = (int)(word >> 60);
            for (var i = 0; i < Numbers[selector]; i++)
            {
                values.Add(selector < 2 ? 1 : word >> (i * Widths[selector]) & ((1UL << Widths[selector]) - 1));
            }
        }
        return values;
    }

    private static List<ulong> Raw(byte[] encoded, int at)
    {
        var values = new List<ulong>();
        while (at < encoded.Length)
        {
            values.Add(BigEndian(encoded, ref at));
        }
        return values;
    }

    private static List<long> Sums(ulong first, List<ulong> stored, Func<ulong, ulong> delta)
    {
        var values = new List<long> { (long)first };
        foreach (var number in stored)
        {
            values.Add((long)(first += delta(number)));
        }
        return values;
    }

    private static ulong Unzigzag(ulong zigzag) => zigzag % 2 == 0 ? zigzag / 2 : ~(zigzag / 2);

    private static ulong BigEndian(byte[] bytes, ref int at)
    {
        Require(at + 8 <= bytes.Length);
        var value = 0UL;
        for (var i = 0; i < 8; i++)
        {
            value = value << 8 | bytes[at++];
        }
        return value;
    }

    private static ulong Uvarint(byte[] bytes, ref int at)
    {
        UInt128 value = 0;
        for (var i = 0; i < 10; i++)
        {
            Require(at < bytes.Length);
            var b = bytes[at++];
            value |= (UInt128)(b & 0x7f) << (7 * i);
            if (b < 0x80)
            {
                Require(value <= ulong.MaxValue);
                return (ulong)value;
            }
        }
        throw new TsmFormatException("A number that does not end.");
    }

    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new TsmFormatException("Not what the format says.");
        }
    }
}
