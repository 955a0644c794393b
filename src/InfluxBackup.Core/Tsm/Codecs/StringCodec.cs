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
    /// <param name="text">The text of all strings.</param>
    /// <returns>How many strings were found.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<Range> destination, out ReadOnlyMemory<byte> text)
    {
        if (encoded.IsEmpty || encoded[0] >> 4 != SnappyCompressed)
        {
            throw new TsmFormatException(encoded.IsEmpty ? "There are no values." : $"Unknown encoding {encoded[0] >> 4} of strings.");
        }
        var unpacked = SnappyBlock.Decode(encoded[1..], TsmFormat.MaxTextSize);
        text = unpacked;
        var count = 0;
        ReadOnlySpan<byte> rest = unpacked;
        while (!rest.IsEmpty && count < destination.Length)
        {
            if (!Uvarint.TryTake(ref rest, out var length) || length > (ulong)rest.Length)
            {
                throw new TsmFormatException($"String {count} runs past the end of the unpacked text ({length} bytes, {rest.Length} are left).");
            }
            var start = unpacked.Length - rest.Length;
            destination[count++] = start..(start + (int)length);
            rest = rest[(int)length..];
        }
        return count;
    }

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
