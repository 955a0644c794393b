using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Times, in nanoseconds since 1970. The first byte holds the encoding (high 4 bits) and the decimal exponent of the
/// scale (low 4 bits); all arithmetic is modulo 2^64.
/// <code>
/// raw     0 · │ time (8) │ delta (8) │ delta (8) │ …           scale not used
/// packed  1 s │ time (8) │ simple8b words of deltas            each × 10^s
/// RLE     2 s │ time (8) │ uvarint delta │ uvarint count       delta × 10^s; count includes the first
/// </code>
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/timestamp.go</c>.
/// </summary>
public static class TimestampCodec
{
    private const int Raw = 0;
    private const int Packed = 1;
    private const int RunLength = 2;
    private const int FirstEnd = 1 + sizeof(long);

    private static ReadOnlySpan<ulong> Scales =>
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
        1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
    ];

    /// <summary>How many times these bytes stand for, without unpacking them. A run can claim any number.</summary>
    public static ulong Count(ReadOnlySpan<byte> encoded)
    {
        var (encoding, _) = ReadHeader(encoded);
        switch (encoding)
        {
            case Raw:
                return (ulong)(encoded.Length - 1) / sizeof(long);
            case Packed:
                return 1 + (ulong)Simple8b.Count(encoded[FirstEnd..]);
            default:
                ReadRun(encoded, out _, out var count);
                return count;
        }
    }

    /// <summary>
    /// Unpacks all times into <paramref name="destination"/>, which must have room for <see cref="Count"/> of them. A few
    /// behind them may be overwritten, where it has room for more.
    /// </summary>
    /// <returns>How many there were.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<long> destination)
    {
        var count = Count(encoded);
        if (count > (ulong)destination.Length)
        {
            throw new ArgumentException($"Room for {destination.Length} of {count} times.", nameof(destination));
        }
        if (count == 0)
        {
            return 0;
        }
        var times = MemoryMarshal.Cast<long, ulong>(destination);
        var (encoding, scale) = ReadHeader(encoded);
        var first = BinaryPrimitives.ReadUInt64BigEndian(encoded[1..]);
        switch (encoding)
        {
            case Raw:
                DeltaSums.Raw(encoded[1..], new PlainDelta(), times[..(int)count]);
                break;
            case Packed when scale == 1:
                DeltaSums.Packed(encoded[FirstEnd..], new PlainDelta(), first, times);
                break;
            case Packed:
                DeltaSums.Packed(encoded[FirstEnd..], new ScaledDelta(scale), first, times);
                break;
            default:
                ReadRun(encoded, out var delta, out _);
                DeltaSums.Run(first, delta * scale, times[..(int)count]);
                break;
        }
        return (int)count;
    }

    /// <summary>
    /// Packs all times, of which there is at least one: as a run if there are two or more and all differences are equal,
    /// packed if they fit, raw otherwise. The scale is the largest that divides all differences; a single time gets the
    /// largest there is.
    /// </summary>
    public static void Encode(ReadOnlySpan<long> times, IBufferWriter<byte> destination)
    {
        if (times.IsEmpty)
        {
            throw new ArgumentException("No times to encode.", nameof(times));
        }
        var rented = ArrayPool<ulong>.Shared.Rent(times.Length);
        try
        {
            var deltas = rented.AsSpan(0, times.Length - 1);
            var largest = 0UL;
            for (var i = 0; i < deltas.Length; i++)
            {
                deltas[i] = (ulong)(times[i + 1] - times[i]);
                largest = Math.Max(largest, deltas[i]);
            }
            if (deltas.Length > 0 && deltas.IndexOfAnyExcept(deltas[0]) < 0)
            {
                EncodeRun(times[0], deltas[0], (ulong)times.Length, destination);
            }
            else if (largest > Simple8b.MaxValue)
            {
                EncodeRaw(times[0], deltas, destination);
            }
            else
            {
                EncodePacked(times[0], deltas, destination);
            }
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    private static void EncodeRun(long first, ulong delta, ulong count, IBufferWriter<byte> destination)
    {
        var exponent = LargestExponent([delta]);
        var bytes = destination.GetSpan(FirstEnd + 2 * Uvarint.MaxSize);
        bytes[0] = (byte)(RunLength << 4 | exponent);
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], first);
        var length = FirstEnd;
        length += Uvarint.Write(bytes[length..], delta / Scales[exponent]);
        length += Uvarint.Write(bytes[length..], count);
        destination.Advance(length);
    }

    private static void EncodePacked(long first, Span<ulong> deltas, IBufferWriter<byte> destination)
    {
        var exponent = LargestExponent(deltas);
        if (exponent > 0)
        {
            var scale = Scales[exponent];
            for (var i = 0; i < deltas.Length; i++)
            {
                deltas[i] /= scale;
            }
        }
        var head = destination.GetSpan(FirstEnd);
        head[0] = (byte)(Packed << 4 | exponent);
        BinaryPrimitives.WriteInt64BigEndian(head[1..], first);
        destination.Advance(FirstEnd);
        Simple8b.Encode(deltas, destination);
    }

    private static void EncodeRaw(long first, ReadOnlySpan<ulong> deltas, IBufferWriter<byte> destination)
    {
        var size = checked(FirstEnd + deltas.Length * sizeof(ulong));
        var bytes = destination.GetSpan(size);
        bytes[0] = Raw << 4;
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], first);
        for (var i = 0; i < deltas.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[(FirstEnd + i * sizeof(ulong))..], deltas[i]);
        }
        destination.Advance(size);
    }

    private static int LargestExponent(ReadOnlySpan<ulong> deltas)
    {
        var exponent = Scales.Length - 1;
        foreach (var delta in deltas)
        {
            while (delta % Scales[exponent] != 0)
            {
                exponent--;
            }
        }
        return exponent;
    }

    private static (int Encoding, ulong Scale) ReadHeader(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length < FirstEnd)
        {
            throw new TsmFormatException($"{encoded.Length} bytes are too few for a time.");
        }
        var encoding = encoded[0] >> 4;
        var exponent = encoded[0] & 0xf;
        if (encoding > RunLength)
        {
            throw new TsmFormatException($"Unknown encoding {encoding} of times.");
        }
        if (encoding == Raw)
        {
            // The server leaves the scale at 0 here and its reader ignores it.
            return encoded.Length % sizeof(long) == 1
                ? (encoding, 1UL)
                : throw new TsmFormatException($"Raw times of {encoded.Length - 1} bytes are not a multiple of {sizeof(long)}.");
        }
        return exponent < Scales.Length
            ? (encoding, Scales[exponent])
            : throw new TsmFormatException($"Unknown scale 10^{exponent} of times; the largest is 10^{Scales.Length - 1}.");
    }

    private static void ReadRun(ReadOnlySpan<byte> encoded, out ulong delta, out ulong count)
    {
        var rest = encoded[FirstEnd..];
        count = 0;
        if (!Uvarint.TryTake(ref rest, out delta) || !Uvarint.TryTake(ref rest, out count))
        {
            throw new TsmFormatException("A run of times is cut off.", encoded.Length - rest.Length);
        }
    }
}
