using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// The elements of a Snappy block: pieces of text, and copies of text that came before. The low 2 bits of the first byte
/// say which; lengths and distances are little-endian.
/// <code>
/// literal  llllll 00 │ text            l + 1 bytes, up to 60
///          60…63  00 │ length − 1 (1…4) │ text
/// copy     dddlll 01 │ distance (1)    l + 4 bytes from distance ddd·256 + … back
///          llllll 10 │ distance (2)    l + 1 bytes
///          llllll 11 │ distance (4)    l + 1 bytes
/// </code>
/// A copy may reach into itself: one byte back, four bytes, is that byte four times.
/// Reference: github.com/google/snappy, <c>format_description.txt</c>.
/// </summary>
/// <remarks>
/// <para>
/// Most elements are short, and what they are can't be guessed. So those of the usual kind are all unpacked the same way,
/// as 64 bytes copied from somewhere, of which the element's own are kept: what is written behind where it ends is
/// overwritten by the next. All others take the plain way. Every position is checked before it is used.
/// </para>
/// <para>
/// Blocks of 1000 strings (<c>bench decode</c>) are unpacked 1.5 to 2.5 times as fast as with IronSnappy, which
/// writes them, and without an array for each of them.
/// </para>
/// </remarks>
internal static class SnappyDecoder
{
    /// <summary>With a destination longer than the text by this, the fast way goes to the end of the text.</summary>
    public const int Slack = MaxElement;

    /// <summary>The most bytes that an element stands for, unless its length stands behind it.</summary>
    private const int MaxElement = 64;

    /// <summary>A tag, the longest distance and the longest text that is copied at once.</summary>
    private const int ReadAhead = 1 + sizeof(uint) + MaxElement;

    /// <summary>The largest length of a text that is in its tag; above are the numbers of bytes that the length has.</summary>
    private const int LongestShort = 60;

    private const int Chunk = 16;

    // What a tag says: how many bytes the element stands for, 0 where they are not in the tag; the upper bits of the
    // distance; and how many bytes of distance follow, 0 for text.
    private const int CountMask = 0x7f;
    private const int DistanceMask = 0x700;
    private const int BytesShift = 12;
    private static readonly ushort[] Kinds = [.. Enumerable.Range(0, 256).Select(Kind)];

    private static ushort Kind(int tag) => (ushort)((tag & 3) switch
    {
        0 => tag >> 2 < LongestShort ? (tag >> 2) + 1 : 0,
        1 => 1 << BytesShift | tag >> 5 << 8 | (((tag >> 2) & 7) + 4),
        2 => 2 << BytesShift | ((tag >> 2) + 1),
        _ => 4 << BytesShift | ((tag >> 2) + 1),
    });

    /// <summary>
    /// Unpacks all elements to exactly <paramref name="length"/> bytes, at the start of <paramref name="destination"/>.
    /// What is behind them may be overwritten.
    /// </summary>
    public static void Decode(ReadOnlySpan<byte> elements, int length, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, destination.Length);
        var at = 0;
        var done = 0;
        while (true)
        {
            DecodeUsual(elements, length, destination, ref at, ref done);
            if (at == elements.Length)
            {
                break;
            }
            DecodeOne(elements, length, destination, ref at, ref done);
        }
        if (done != length)
        {
            throw new TsmFormatException($"Compressed text unpacks to {done} bytes and not to {length}.", at);
        }
    }

    /// <summary>
    /// Unpacks elements up to the first that is out of the ordinary: a long text, a copy that reaches into itself, a
    /// distance or length that is wrong, or anything close to the end.
    /// </summary>
    private static unsafe void DecodeUsual(ReadOnlySpan<byte> elements, int length, Span<byte> destination, ref int at, ref int done)
    {
        if (elements.Length - at < ReadAhead)
        {
            return;
        }
        fixed (byte* source = elements)
        fixed (byte* target = destination)
        fixed (ushort* kinds = Kinds)
        {
            var tag = source + at;
            var last = source + elements.Length - ReadAhead;
            var lastEnd = (long)destination.Length - MaxElement;
            long end = done;
            while (tag <= last)
            {
                long kind = kinds[*tag];
                var count = kind & CountMask;
                var bytes = (int)(kind >> BytesShift);
                var operand = Unsafe.ReadUnaligned<uint>(tag + 1);
                operand = BitConverter.IsLittleEndian ? operand : BinaryPrimitives.ReverseEndianness(operand);
                var distance = (kind & DistanceMask) + (operand & ((1L << (8 * bytes)) - 1));
                // All ones for text, which has no distance; zero for a copy.
                var text = (long)(bytes - 1) >> 63;
                if ((((distance - count) & ~text) | (end - distance) | (length - end - count) | (lastEnd - end) | (count - 1)) < 0)
                {
                    break;
                }
                var from = target + end - distance;
                from += (tag + 1 - from) & text;
                Vector256.Load(from).Store(target + end);
                Vector256.Load(from + MaxElement / 2).Store(target + end + MaxElement / 2);
                end += count;
                tag += 1 + bytes + (count & text);
            }
            at = (int)(tag - source);
            done = (int)end;
        }
    }

    private static void DecodeOne(ReadOnlySpan<byte> elements, int length, Span<byte> destination, ref int at, ref int done)
    {
        int tag = elements[at++];
        if ((tag & 3) == 0)
        {
            var text = TakeText(elements, ref at, (tag >> 2) + 1);
            if (text.Length > length - done)
            {
                throw new TsmFormatException($"Compressed text has a piece of {text.Length} bytes, and room for {length - done}.", at);
            }
            text.CopyTo(destination[done..]);
            done += text.Length;
            return;
        }
        var count = Kinds[tag] & CountMask;
        var bytes = Kinds[tag] >> BytesShift;
        if (elements.Length - at < bytes)
        {
            throw new TsmFormatException("Compressed text is cut off within a copy.", at);
        }
        var distance = (uint)(Kinds[tag] & DistanceMask) + ReadNumber(elements.Slice(at, bytes));
        at += bytes;
        if (distance - 1 >= (uint)done || count > length - done)
        {
            throw new TsmFormatException($"Compressed text copies {count} bytes from {distance} bytes before byte {done} of {length}.", at);
        }
        if (destination.Length - done >= count + Chunk)
        {
            Copy(ref destination[done], (int)distance, count);
        }
        else
        {
            for (var i = 0; i < count; i++)
            {
                destination[done + i] = destination[done + i - (int)distance];
            }
        }
        done += count;
    }

    private static ReadOnlySpan<byte> TakeText(ReadOnlySpan<byte> elements, ref int at, long size)
    {
        if (size > LongestShort)
        {
            var bytes = (int)size - LongestShort;
            if (elements.Length - at < bytes)
            {
                throw new TsmFormatException("Compressed text is cut off within the length of a piece.", at);
            }
            size = ReadNumber(elements.Slice(at, bytes)) + 1L;
            at += bytes;
        }
        if (size > elements.Length - at)
        {
            throw new TsmFormatException($"Compressed text has a piece of {size} bytes, of which {elements.Length - at} are left.", at);
        }
        var text = elements.Slice(at, (int)size);
        at += text.Length;
        return text;
    }

    private static uint ReadNumber(ReadOnlySpan<byte> littleEndian)
    {
        var number = 0U;
        for (var i = littleEndian.Length - 1; i >= 0; i--)
        {
            number = number << 8 | littleEndian[i];
        }
        return number;
    }

    /// <summary>Copies at most 64 bytes from before <paramref name="target"/>, and up to a chunk more behind them.</summary>
    private static void Copy(ref byte target, int distance, int count)
    {
        ref var source = ref Unsafe.Subtract(ref target, distance);
        var done = 0;
        // What repeats after less than a chunk: each step writes one more period, and doubles what can be copied at once.
        for (; distance < Chunk && done < count; done += distance, distance *= 2)
        {
            Vector128.LoadUnsafe(ref source).StoreUnsafe(ref target, (nuint)done);
        }
        for (var from = 0; done < count; done += Chunk, from += Chunk)
        {
            Vector128.LoadUnsafe(ref source, (nuint)from).StoreUnsafe(ref target, (nuint)done);
        }
    }
}
