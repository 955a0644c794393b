using System.Buffers;
using IronSnappy;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// One Snappy block in its raw form, without framing: the unpacked length as an uvarint, then literals and copies.
/// Reference: github.com/google/snappy, <c>format_description.txt</c>.
/// </summary>
internal static class SnappyBlock
{
    /// <summary>
    /// Unpacks a block into a buffer of the shared pool, which is replaced by a longer one where that is needed. What the
    /// block claims to unpack to is believed only as far as its own size allows: the densest element, a copy of three
    /// bytes, stands for 64. A claim beyond that, or beyond <paramref name="limit"/>, allocates nothing.
    /// </summary>
    /// <returns>How many bytes there are, from the start of the buffer.</returns>
    public static int Decode(ReadOnlySpan<byte> block, int limit, ref byte[] buffer)
    {
        var elements = block;
        var length = TakeLength(ref elements, Math.Min(limit, Array.MaxLength - SnappyDecoder.Slack));
        if (buffer.Length < length + SnappyDecoder.Slack)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            // Until there is another: should renting fail, nobody may return the old one twice.
            buffer = [];
            buffer = ArrayPool<byte>.Shared.Rent(length + SnappyDecoder.Slack);
        }
        SnappyDecoder.Decode(elements, length, buffer);
        return length;
    }

    /// <summary>Unpacks a block into an array of its own, with the same care.</summary>
    public static byte[] Decode(ReadOnlySpan<byte> block, int limit)
    {
        var elements = block;
        var text = GC.AllocateUninitializedArray<byte>(TakeLength(ref elements, Math.Min(limit, Array.MaxLength)));
        SnappyDecoder.Decode(elements, text.Length, text);
        return text;
    }

    private static int TakeLength(ref ReadOnlySpan<byte> elements, int limit)
    {
        if (!Uvarint.TryTake(ref elements, out var claimed))
        {
            throw new TsmFormatException("The length of compressed text is cut off.");
        }
        var possible = ((ulong)elements.Length * 64 + 2) / 3;
        if (claimed > possible)
        {
            throw new TsmFormatException($"Compressed text claims to unpack to {claimed} bytes; its {elements.Length} bytes can hold at most {possible}.");
        }
        return claimed <= (ulong)limit
            ? (int)claimed
            : throw new TsmFormatException($"Compressed text unpacks to {claimed} bytes, more than the {limit} that are accepted.");
    }

    /// <summary>Packs bytes into one block.</summary>
    public static void Encode(ReadOnlySpan<byte> bytes, IBufferWriter<byte> destination) => destination.Write(Snappy.Encode(bytes));
}
