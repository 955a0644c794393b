using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// 64-bit floats after Facebook's Gorilla: each value is the previous one XOR a few significant bits. A stream of bits,
/// the highest of a byte first:
/// <code>
/// 1 · │ first value (64) │ change │ change │ … │ change to NaN 7ff8000000000001 │ padding
///
/// change:  0                                         the same value again
///          1 0 │ m bits                              XOR, with the window of the last change
///          1 1 │ leading (5) │ m (6, 0 is 64) │ m bits   XOR, m bits below that many leading zeros
/// </code>
/// That NaN ends the stream and is no value. Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/float.go</c>;
/// "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015.
/// </summary>
public static class FloatCodec
{
    internal const int Gorilla = 1;
    internal const ulong EndMarker = 0x7ff8000000000001;

    private const int LeadingBits = 5;
    private const int SignificantBits = 6;

    /// <summary>64 bits that do not start at a byte reach into a ninth.</summary>
    private const int WordAndByte = sizeof(ulong) + 1;

    /// <summary>
    /// Unpacks values until their end or until <paramref name="destination"/> is full: whoever needs to know whether
    /// there are more than expected gives room for one more. The number cannot be known without unpacking.
    /// </summary>
    /// <returns>How many values were found.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<double> destination)
    {
        if (encoded.IsEmpty || encoded[0] >> 4 != Gorilla)
        {
            throw new TsmFormatException(encoded.IsEmpty ? "There are no values." : $"Unknown encoding {encoded[0] >> 4} of floats.");
        }
        var bits = encoded[1..];
        var end = (long)bits.Length * 8;
        if (end < 64)
        {
            throw new TsmFormatException($"{bits.Length} bytes are too few for a float.");
        }
        var value = BinaryPrimitives.ReadUInt64BigEndian(bits);
        long position = 64;
        var trailing = 0;
        var significant = 64;
        var count = 0;
        while (value != EndMarker && count < destination.Length)
        {
            destination[count++] = BitConverter.UInt64BitsToDouble(value);

            var next = Peek(bits, position);
            if ((next >> 63) == 0)
            {
                position++;
            }
            else
            {
                if ((next >> 62) == 0b10)
                {
                    position += 2;
                    next <<= 2;
                }
                else
                {
                    var leading = (int)(next << 2 >> (64 - LeadingBits));
                    significant = (int)(next << (2 + LeadingBits) >> (64 - SignificantBits));
                    significant = significant == 0 ? 64 : significant;
                    trailing = 64 - leading - significant;
                    if (trailing < 0)
                    {
                        throw new TsmFormatException($"Float {count} has {leading} leading zeros and {significant} significant bits: more than 64.", 1 + position / 8);
                    }
                    const int Window = 2 + LeadingBits + SignificantBits;
                    position += Window;
                    next <<= Window;
                }
                // The control bits took up to 13 of the 64 at hand; only a wide change needs a second look.
                if (significant > 64 - 2 - LeadingBits - SignificantBits)
                {
                    next = Peek(bits, position);
                }
                value ^= next >> (64 - significant) << trailing;
                position += significant;
            }
            if (position > end)
            {
                throw new TsmFormatException($"The floats end after {count} values without an end marker.", encoded.Length);
            }
        }
        return count;
    }

    /// <summary>Packs all values; none at all is allowed, NaN is not.</summary>
    public static void Encode(ReadOnlySpan<double> values, IBufferWriter<byte> destination) => FloatEncoder.Encode(values, destination);

    /// <summary>The 64 bits at a bit position, filled with zeros behind the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Peek(ReadOnlySpan<byte> bits, long position)
    {
        var index = (int)(position >> 3);
        var shift = (int)(position & 7);
        return index <= bits.Length - WordAndByte
            ? (BinaryPrimitives.ReadUInt64BigEndian(bits[index..]) << shift) | ((ulong)bits[index + sizeof(ulong)] << shift >> 8)
            : PeekAtEnd(bits, index, shift);
    }

    private static ulong PeekAtEnd(ReadOnlySpan<byte> bits, int index, int shift)
    {
        Span<byte> tail = stackalloc byte[WordAndByte];
        tail.Clear();
        bits[Math.Min(index, bits.Length)..].CopyTo(tail);
        return (BinaryPrimitives.ReadUInt64BigEndian(tail) << shift) | ((ulong)tail[sizeof(ulong)] << shift >> 8);
    }
}
