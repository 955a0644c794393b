using System.Buffers;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Strings: one after another, each with its length in front, all of it one Snappy block.
/// <code>
/// 1 · │ Snappy block of ( uvarint length │ bytes ) ( uvarint length │ bytes ) …
/// </code>
/// The bytes are what was written; they need not be UTF-8. Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/string.go</c>.
/// </summary>
public static class StringCodec
{
    private const int SnappyCompressed = 1;

    /// <summary>
    /// Unpacks strings until there are no more or <paramref name="destination"/> is full: whoever needs to know whether
    /// there are more than expected gives room for one more.
    /// </summary>
    /// <param name="encoded">The values part of a block.</param>
    /// <param name="destination">Where each string lies in <paramref name="text"/>.</param>
    /// <param name="text">
    /// Takes the text of all strings; a buffer of the shared pool, which is replaced by a longer one where that is needed.
    /// </param>
    /// <returns>How many strings were found.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<Range> destination, ref byte[] text)
    {
        if (encoded.IsEmpty || encoded[0] >> 4 != SnappyCompressed)
        {
            throw new TsmFormatException(encoded.IsEmpty ? "There are no values." : $"Unknown encoding {encoded[0] >> 4} of strings.");
        }
        var length = SnappyBlock.Decode(encoded[1..], TsmFormat.MaxTextSize, ref text);
        var unpacked = text.AsSpan(0, length);
        var count = 0;
        for (var at = 0; at < unpacked.Length && count < destination.Length; count++)
        {
            // Nearly all are shorter than 128 bytes, and so is their length than two.
            int size = unpacked[at++];
            if (size >= 0x80)
            {
                size = ReadLength(unpacked, ref at, count);
            }
            if (size > unpacked.Length - at)
            {
                throw PastTheEnd(count, (ulong)size, unpacked.Length - at);
            }
            destination[count] = at..(at + size);
            at += size;
        }
        return count;
    }

    /// <summary>A length of two bytes or more, the first of which was taken.</summary>
    private static int ReadLength(ReadOnlySpan<byte> unpacked, ref int at, int count)
    {
        var rest = unpacked[(at - 1)..];
        if (!Uvarint.TryTake(ref rest, out var size) || size > (ulong)rest.Length)
        {
            throw PastTheEnd(count, size, rest.Length);
        }
        at = unpacked.Length - rest.Length;
        return (int)size;
    }

    private static TsmFormatException PastTheEnd(int count, ulong size, int left) =>
        new($"String {count} runs past the end of the unpacked text ({size} bytes, {left} are left).");

    /// <summary>Packs all strings; none at all is allowed.</summary>
    /// <param name="strings">Where each string lies in <paramref name="text"/>: in any order, with or without gaps.</param>
    /// <param name="text">The text of all strings.</param>
    /// <param name="destination">Takes the values part of a block.</param>
    public static void Encode(ReadOnlySpan<Range> strings, ReadOnlySpan<byte> text, IBufferWriter<byte> destination)
    {
        long size = 0;
        foreach (var range in strings)
        {
            size += Uvarint.MaxSize + range.GetOffsetAndLength(text.Length).Length;
        }
        if (size > TsmFormat.MaxTextSize)
        {
            throw new ArgumentException($"{strings.Length} strings of {size} bytes are more than one block may hold ({TsmFormat.MaxTextSize}).", nameof(strings));
        }
        var joined = ArrayPool<byte>.Shared.Rent((int)size);
        try
        {
            var length = 0;
            foreach (var range in strings)
            {
                var value = text[range];
                length += Uvarint.Write(joined.AsSpan(length), (ulong)value.Length);
                value.CopyTo(joined.AsSpan(length));
                length += value.Length;
            }
            destination.GetSpan(1)[0] = SnappyCompressed << 4;
            destination.Advance(1);
            SnappyBlock.Encode(joined.AsSpan(0, length), destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
        }
    }
}
