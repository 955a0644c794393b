using System.Buffers;
using System.Runtime.InteropServices;

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

    internal const int LeadingBits = 5;
    internal const int SignificantBits = 6;

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
        return bits.Length >= sizeof(ulong)
            ? FloatDecoder.Decode(bits, MemoryMarshal.Cast<double, ulong>(destination))
            : throw new TsmFormatException($"{bits.Length} bytes are too few for a float.");
    }

    /// <summary>Packs all values; none at all is allowed, NaN is not.</summary>
    public static void Encode(ReadOnlySpan<double> values, IBufferWriter<byte> destination) => FloatEncoder.Encode(values, destination);
}
