using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>The writing half of <see cref="FloatCodec"/>, which draws the bits.</summary>
internal static class FloatEncoder
{
    /// <summary>A change that brings its window takes at most two control bits, the window and 64 bits.</summary>
    private const int MaxBitsPerValue = 2 + FloatCodec.LeadingBits + FloatCodec.SignificantBits + 64;

    /// <summary>Packs all values; none of them may be NaN, which ends the stream.</summary>
    public static void Encode(ReadOnlySpan<double> values, IBufferWriter<byte> destination)
    {
        // The first value and the end marker, and a word that is written whole when only its first bits are used.
        var room = 1L + sizeof(ulong) + ((values.Length + 1L) * MaxBitsPerValue + 7) / 8 + sizeof(ulong);
        var bytes = destination.GetSpan(checked((int)room));
        bytes[0] = FloatCodec.Gorilla << 4;
        var bits = new BitWriter(bytes[1..]);
        if (values.IsEmpty)
        {
            bits.Write(FloatCodec.EndMarker, 64);
            destination.Advance(1 + bits.Finish());
            return;
        }
        var previous = Bits(values[0]);
        bits.Write(previous, 64);
        // No window yet: no change has more leading zeros than this.
        var leading = int.MaxValue;
        var trailing = 0;
        for (var i = 1; i <= values.Length; i++)
        {
            var value = i < values.Length ? Bits(values[i]) : FloatCodec.EndMarker;
            var change = value ^ previous;
            previous = value;
            if (change == 0)
            {
                bits.Write(0b0, 1);
                continue;
            }
            // Five bits hold the leading zeros: the server writes their number modulo 32, and zeros beyond that as bits.
            var leadingHere = BitOperations.LeadingZeroCount(change) & ((1 << FloatCodec.LeadingBits) - 1);
            var trailingHere = BitOperations.TrailingZeroCount(change);
            if (leadingHere >= leading && trailingHere >= trailing)
            {
                bits.Write(0b10, 2);
            }
            else
            {
                (leading, trailing) = (leadingHere, trailingHere);
                var window = (leading << FloatCodec.SignificantBits) | ((64 - leading - trailing) & ((1 << FloatCodec.SignificantBits) - 1));
                bits.Write(0b11, 2);
                bits.Write((ulong)window, FloatCodec.LeadingBits + FloatCodec.SignificantBits);
            }
            bits.Write(change >> trailing, 64 - leading - trailing);
        }
        destination.Advance(1 + bits.Finish());
    }

    private static ulong Bits(double value) => double.IsNaN(value)
        ? throw new ArgumentException("NaN cannot be stored: it marks the end of the values.", nameof(value))
        : BitConverter.DoubleToUInt64Bits(value);

    /// <summary>Bits from the highest of the first byte on, collected in words.</summary>
    private ref struct BitWriter(Span<byte> bytes)
    {
        private readonly Span<byte> bytes = bytes;
        private int length;
        private ulong word;
        private int free = 64;

        /// <summary>Appends the lowest bits of a value, 1 to 64; those above them are zero.</summary>
        public void Write(ulong value, int count)
        {
            if (count < free)
            {
                free -= count;
                word |= value << free;
                return;
            }
            var over = count - free;
            BinaryPrimitives.WriteUInt64BigEndian(bytes[length..], word | (value >> over));
            length += sizeof(ulong);
            free = 64 - over;
            word = over == 0 ? 0 : value << free;
        }

        /// <summary>Fills the last byte with zeros; returns how many there are.</summary>
        public readonly int Finish()
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[length..], word);
            return length + (64 - free + 7) / 8;
        }
    }
}
