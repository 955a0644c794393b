using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Booleans, one bit each, the first in the highest bit of a byte.
/// <code>
/// 1 · │ uvarint count │ b0 b1 b2 b3 b4 b5 b6 b7 │ b8 b9 … 0 0
/// </code>
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/bool.go</c>.
/// </summary>
public static class BooleanCodec
{
    private const int BitPacked = 1;

    /// <summary>How many values these bytes hold; never more than eight a byte.</summary>
    public static ulong Count(ReadOnlySpan<byte> encoded)
    {
        ReadHeader(encoded, out var count);
        return count;
    }

    /// <summary>Unpacks all values into <paramref name="destination"/>, which must have room for <see cref="Count"/> of them.</summary>
    /// <returns>How many there were.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<bool> destination)
    {
        var bits = ReadHeader(encoded, out var count);
        if (count > (ulong)destination.Length)
        {
            throw new ArgumentException($"Room for {destination.Length} of {count} values.", nameof(destination));
        }
        var values = MemoryMarshal.AsBytes(destination[..(int)count]);
        var whole = values.Length / 8;
        for (var i = 0; i < whole; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(values[(i * 8)..], Spread(bits[i]));
        }
        for (var i = whole * 8; i < values.Length; i++)
        {
            values[i] = (byte)((bits[whole] >> (7 - (i & 7))) & 1);
        }
        return values.Length;
    }

    /// <summary>Packs all values; none at all is allowed.</summary>
    public static void Encode(ReadOnlySpan<bool> values, IBufferWriter<byte> destination)
    {
        var bytes = destination.GetSpan(1 + Uvarint.MaxSize + (values.Length + 7) / 8);
        bytes[0] = BitPacked << 4;
        var start = 1 + Uvarint.Write(bytes[1..], (ulong)values.Length);
        var bits = bytes.Slice(start, (values.Length + 7) / 8);
        bits.Clear();
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i])
            {
                bits[i >> 3] |= (byte)(0x80 >> (i & 7));
            }
        }
        destination.Advance(start + bits.Length);
    }

    /// <summary>
    /// The bits of a byte in eight bytes, the highest bit in the first. The factor holds eight copies of the byte, nine
    /// bits apart, so that they do not overlap, and the highest bit of the n-th byte of the product is the n-th bit.
    /// </summary>
    private static ulong Spread(byte bits) => ((bits * 0x8040201008040201UL) >> 7) & 0x0101010101010101UL;

    private static ReadOnlySpan<byte> ReadHeader(ReadOnlySpan<byte> encoded, out ulong count)
    {
        count = 0;
        if (encoded.IsEmpty || encoded[0] >> 4 != BitPacked)
        {
            throw new TsmFormatException(encoded.IsEmpty ? "There are no values." : $"Unknown encoding {encoded[0] >> 4} of booleans.");
        }
        var rest = encoded[1..];
        if (!Uvarint.TryTake(ref rest, out count))
        {
            throw new TsmFormatException("The number of booleans is cut off.", 1);
        }
        return count <= (ulong)rest.Length * 8
            ? rest
            : throw new TsmFormatException($"{count} booleans do not fit in {rest.Length} bytes.", 1);
    }
}
