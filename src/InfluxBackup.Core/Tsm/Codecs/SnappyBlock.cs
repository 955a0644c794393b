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
    /// Unpacks a block. What it claims to unpack to is believed only as far as its own size allows: the densest element,
    /// a copy of three bytes, stands for 64. A claim beyond that, or beyond <paramref name="limit"/>, allocates nothing.
    /// </summary>
    public static byte[] Decode(ReadOnlySpan<byte> block, int limit)
    {
        var elements = block;
        if (!Uvarint.TryTake(ref elements, out var claimed))
        {
            throw new TsmFormatException("The length of compressed text is cut off.");
        }
        var possible = ((ulong)elements.Length * 64 + 2) / 3;
        if (claimed > possible)
        {
            throw new TsmFormatException($"Compressed text claims to unpack to {claimed} bytes; its {elements.Length} bytes can hold at most {possible}.");
        }
        if (claimed > (ulong)limit)
        {
            throw new TsmFormatException($"Compressed text unpacks to {claimed} bytes, more than the {limit} that are accepted.");
        }
        try
        {
            var text = Snappy.Decode(block);
            return (ulong)text.Length == claimed
                ? text
                : throw new TsmFormatException($"Compressed text unpacks to {text.Length} bytes and not to {claimed}.");
        }
        // The library says "corrupt" in several ways, from IOException to an index outside of its arrays.
        catch (Exception error) when (error is not (TsmFormatException or OutOfMemoryException))
        {
            throw new TsmFormatException("Compressed text cannot be unpacked: " + error.Message, 0, error);
        }
    }

    /// <summary>Packs bytes into one block.</summary>
    public static void Encode(ReadOnlySpan<byte> bytes, IBufferWriter<byte> destination) => destination.Write(Snappy.Encode(bytes));
}
