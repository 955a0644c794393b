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

    /// <summary>Unpacks all values into <paramref name="destination"/>, which must have room for <see cref="Count"/> of them.</summary>
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
        var values = destination[..(int)count];
        values[0] = Unzigzag(BinaryPrimitives.ReadUInt64BigEndian(encoded[1..]));
        switch (ReadHeader(encoded))
        {
            case Raw:
                for (var i = 1; i < values.Length; i++)
                {
                    values[i] = values[i - 1] + Unzigzag(BinaryPrimitives.ReadUInt64BigEndian(encoded[(1 + i * sizeof(long))..]));
                }
                break;
            case Packed:
                Simple8b.Decode(encoded[FirstEnd..], MemoryMarshal.Cast<long, ulong>(values[1..]));
                var value = values[0];
                for (var i = 1; i < values.Length; i++)
                {
                    values[i] = value += Unzigzag((ulong)values[i]);
                }
                break;
            default:
                ReadRun(encoded, out var delta, out _);
                for (var i = 1; i < values.Length; i++)
                {
                    values[i] = values[i - 1] + delta;
                }
                break;
        }
        return values.Length;
    }

    private static long Unzigzag(ulong zigzag) => (long)(zigzag >> 1) ^ -(long)(zigzag & 1);

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

    private static void ReadRun(ReadOnlySpan<byte> encoded, out long delta, out ulong repeats)
    {
        var rest = encoded[FirstEnd..];
        repeats = 0;
        if (!Uvarint.TryTake(ref rest, out var zigzag) || !Uvarint.TryTake(ref rest, out repeats))
        {
            throw new TsmFormatException("A run of integers is cut off.", encoded.Length - rest.Length);
        }
        delta = Unzigzag(zigzag);
    }
}
