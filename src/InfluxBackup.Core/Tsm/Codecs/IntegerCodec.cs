using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Signed 64-bit integers. What is stored are differences (the first to 0), each zigzag coded, so that small negative
/// numbers are small too: 0, −1, 1, −2 … become 0, 1, 2, 3 …. The high 4 bits of the first byte are the encoding.
/// <code>
/// raw     0 · │ zigzag (8) │ zigzag (8) │ …
/// packed  1 · │ zigzag (8) │ simple8b words of zigzags
/// RLE     2 · │ zigzag (8) │ uvarint zigzag │ uvarint repeats   repeats do not include the first
/// </code>
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/int.go</c>.
/// </summary>
public static class IntegerCodec
{
    private const int Raw = 0;
    private const int Packed = 1;
    private const int RunLength = 2;
    private const int FirstEnd = 1 + sizeof(long);

    /// <summary>How many values these bytes stand for, without unpacking them. A run can claim any number.</summary>
    public static ulong Count(ReadOnlySpan<byte> encoded)
    {
        switch (ReadHeader(encoded))
        {
            case Raw:
                return (ulong)(encoded.Length - 1) / sizeof(long);
            case Packed:
                return 1 + (ulong)Simple8b.Count(encoded[FirstEnd..]);
            default:
                ReadRun(encoded, out _, out var repeats);
                return repeats == ulong.MaxValue ? repeats : repeats + 1;
        }
    }

    /// <summary>
    /// Unpacks all values into <paramref name="destination"/>, which must have room for <see cref="Count"/> of them. A few
    /// behind them may be overwritten, where it has room for more.
    /// </summary>
    /// <returns>How many there were.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<long> destination)
    {
        var count = Count(encoded);
        if (count > (ulong)destination.Length)
        {
            throw new ArgumentException($"Room for {destination.Length} of {count} values.", nameof(destination));
        }
        if (count == 0)
        {
            return 0;
        }
        var values = MemoryMarshal.Cast<long, ulong>(destination);
        var delta = new ZigzagDelta();
        switch (ReadHeader(encoded))
        {
            case Raw:
                DeltaSums.Raw(encoded[1..], delta, values[..(int)count]);
                break;
            case Packed:
                DeltaSums.Packed(encoded[FirstEnd..], delta, ReadFirst(encoded), values);
                break;
            default:
                ReadRun(encoded, out var step, out _);
                DeltaSums.Run(ReadFirst(encoded), step, values[..(int)count]);
                break;
        }
        return (int)count;
    }

    private static ulong ReadFirst(ReadOnlySpan<byte> encoded) => new ZigzagDelta().Of(BinaryPrimitives.ReadUInt64BigEndian(encoded[1..]));

    /// <summary>
    /// Packs all values, of which there is at least one: as a run if there are three or more and all differences are
    /// equal, packed if they fit, raw otherwise.
    /// </summary>
    public static void Encode(ReadOnlySpan<long> values, IBufferWriter<byte> destination)
    {
        if (values.IsEmpty)
        {
            throw new ArgumentException("No values to encode.", nameof(values));
        }
        var rented = ArrayPool<ulong>.Shared.Rent(values.Length);
        try
        {
            var zigzags = rented.AsSpan(0, values.Length);
            zigzags[0] = Zigzag(values[0]);
            var largest = 0UL;
            for (var i = 1; i < values.Length; i++)
            {
                zigzags[i] = Zigzag(values[i] - values[i - 1]);
                largest = Math.Max(largest, zigzags[i]);
            }
            if (values.Length > 2 && zigzags[1..].IndexOfAnyExcept(zigzags[1]) < 0)
            {
                EncodeRun(zigzags[0], zigzags[1], (ulong)values.Length - 1, destination);
            }
            else if (largest > Simple8b.MaxValue)
            {
                EncodeRaw(zigzags, destination);
            }
            else
            {
                var head = destination.GetSpan(FirstEnd);
                head[0] = Packed << 4;
                BinaryPrimitives.WriteUInt64BigEndian(head[1..], zigzags[0]);
                destination.Advance(FirstEnd);
                Simple8b.Encode(zigzags[1..], destination);
            }
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    private static void EncodeRun(ulong first, ulong delta, ulong repeats, IBufferWriter<byte> destination)
    {
        var bytes = destination.GetSpan(FirstEnd + 2 * Uvarint.MaxSize);
        bytes[0] = RunLength << 4;
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], first);
        var length = FirstEnd;
        length += Uvarint.Write(bytes[length..], delta);
        length += Uvarint.Write(bytes[length..], repeats);
        destination.Advance(length);
    }

    private static void EncodeRaw(ReadOnlySpan<ulong> zigzags, IBufferWriter<byte> destination)
    {
        var size = checked(1 + zigzags.Length * sizeof(ulong));
        var bytes = destination.GetSpan(size);
        bytes[0] = Raw << 4;
        for (var i = 0; i < zigzags.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[(1 + i * sizeof(ulong))..], zigzags[i]);
        }
        destination.Advance(size);
    }

    private static ulong Zigzag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static int ReadHeader(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length < FirstEnd)
        {
            throw new TsmFormatException($"{encoded.Length} bytes are too few for an integer.");
        }
        var encoding = encoded[0] >> 4;
        if (encoding > RunLength)
        {
            throw new TsmFormatException($"Unknown encoding {encoding} of integers.");
        }
        if (encoding == Raw && encoded.Length % sizeof(long) != 1)
        {
            throw new TsmFormatException($"Raw integers of {encoded.Length - 1} bytes are not a multiple of {sizeof(long)}.");
        }
        return encoding;
    }

    private static void ReadRun(ReadOnlySpan<byte> encoded, out ulong delta, out ulong repeats)
    {
        var rest = encoded[FirstEnd..];
        repeats = 0;
        if (!Uvarint.TryTake(ref rest, out var zigzag) || !Uvarint.TryTake(ref rest, out repeats))
        {
            throw new TsmFormatException("A run of integers is cut off.", encoded.Length - rest.Length);
        }
        delta = new ZigzagDelta().Of(zigzag);
    }
}
