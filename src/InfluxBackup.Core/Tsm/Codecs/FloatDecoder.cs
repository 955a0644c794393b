using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// The reading half of <see cref="FloatCodec"/>, which draws the bits: where in the stream it is, and what it carries from
/// one value to the next.
/// </summary>
/// <remarks>
/// Bits are read by whole words, without a look at the end of the bytes. So that no read passes it, the loop stops
/// <see cref="ReadAhead"/> bytes before the end, and runs again over a copy of the rest that has zeros behind it.
/// </remarks>
internal ref struct FloatDecoder
{
    /// <summary>A change is at most 77 bits, and its last word reaches a byte further.</summary>
    private const int ReadAhead = 16;

    private const int WindowBits = 2 + FloatCodec.LeadingBits + FloatCodec.SignificantBits;

    private readonly Span<ulong> values;
    private int count;
    private ulong value;

    /// <summary>The window of the last change: how many bits its bits leave of 64, and how many zeros are behind them.</summary>
    private int unused;
    private int trailing;

    /// <summary>The next bit, counted from the start of <c>bits</c> in the call, and where that starts in the stream.</summary>
    private long position = 64;
    private long origin;

    private FloatDecoder(Span<ulong> values, ulong first)
    {
        this.values = values;
        value = first;
    }

    /// <summary>Unpacks a stream of at least 8 bytes until its end or until <paramref name="values"/> is full.</summary>
    /// <returns>How many values there are.</returns>
    public static int Decode(ReadOnlySpan<byte> bits, Span<ulong> values)
    {
        var first = BinaryPrimitives.ReadUInt64BigEndian(bits);
        if (first == FloatCodec.EndMarker || values.IsEmpty)
        {
            return 0;
        }
        values[0] = first;
        var decoder = new FloatDecoder(values, first) { count = 1 };
        return decoder.ReadChanges(bits, (bits.Length - ReadAhead) * 8L) || decoder.count == values.Length
            ? decoder.count
            : decoder.ReadTail(bits);
    }

    private int ReadTail(ReadOnlySpan<byte> bits)
    {
        Span<byte> tail = stackalloc byte[2 * ReadAhead];
        var rest = bits[(int)(position >> 3)..];
        rest.CopyTo(tail);
        tail[rest.Length..].Clear();
        origin = position & ~7L;
        position &= 7;
        var stop = rest.Length * 8L;
        var ended = ReadChanges(tail, stop);
        return position <= stop && (ended || count == values.Length)
            ? count
            : throw new TsmFormatException($"The floats end after {count} values without an end marker.", 1 + bits.Length);
    }

    /// <summary>
    /// Reads changes that begin before <paramref name="stop"/>, a position behind which there are at least
    /// <see cref="ReadAhead"/> bytes more. True at the end marker.
    /// </summary>
    private bool ReadChanges(scoped ReadOnlySpan<byte> bits, long stop)
    {
        ref var source = ref MemoryMarshal.GetReference(bits);
        ref var target = ref Unsafe.Add(ref MemoryMarshal.GetReference(values), count);
        ref var end = ref Unsafe.Add(ref MemoryMarshal.GetReference(values), values.Length);
        // In locals, and no more of them than there are registers: this loop is what reading floats costs.
        var (value, unused, trailing, position) = (this.value, this.unused, this.trailing, this.position);
        while (position < stop && Unsafe.IsAddressLessThan(ref target, ref end))
        {
            var next = Peek(ref source, position);
            if ((long)next >= 0)
            {
                // The same value again, once for each zero bit.
                var run = (int)Math.Min(BitOperations.LeadingZeroCount(next), stop - position);
                run = Repeat(value, run, ref target, ref end);
                target = ref Unsafe.Add(ref target, run);
                position += run;
                continue;
            }
            var control = 2;
            if ((next & (1UL << 62)) != 0)
            {
                control += FloatCodec.LeadingBits + FloatCodec.SignificantBits;
                unused = (int)(0 - (next >> (64 - control))) & ((1 << FloatCodec.SignificantBits) - 1);
                trailing = unused - ((int)(next >> (64 - 2 - FloatCodec.LeadingBits)) & ((1 << FloatCodec.LeadingBits) - 1));
                if (trailing < 0)
                {
                    break;
                }
            }
            // The control bits took some of the 64 at hand; only a wide change needs a second look.
            next = control <= unused ? next << control : Peek(ref source, position + control);
            value ^= next >> unused << trailing;
            position += control + 64 - unused;
            if (value == FloatCodec.EndMarker)
            {
                break;
            }
            target = value;
            target = ref Unsafe.Add(ref target, 1);
        }
        count = (int)(Unsafe.ByteOffset(ref MemoryMarshal.GetReference(values), ref target) / sizeof(ulong));
        if (trailing < 0)
        {
            throw new TsmFormatException($"Float {count} has {unused - trailing} leading zeros and {64 - unused} significant bits: more than 64.",
                1 + (origin + position) / 8);
        }
        (this.value, this.unused, this.trailing, this.position) = (value, unused, trailing, position);
        return value == FloatCodec.EndMarker;
    }

    /// <summary>Stores the same value up to 64 times, and less often where there is less room; returns how often.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Repeat(ulong value, int times, ref ulong target, ref ulong end)
    {
        var room = (int)Math.Min(Unsafe.ByteOffset(ref target, ref end) / sizeof(ulong), 64);
        if (room == 64)
        {
            for (var i = 0; i < times; i += Vector256<ulong>.Count)
            {
                Vector256.Create(value).StoreUnsafe(ref target, (nuint)i);
            }
            return times;
        }
        times = Math.Min(times, room);
        for (var i = 0; i < times; i++)
        {
            Unsafe.Add(ref target, i) = value;
        }
        return times;
    }

    /// <summary>The 64 bits at a position; when they do not start at a byte they reach into a ninth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Peek(ref byte bits, long position)
    {
        ref var at = ref Unsafe.Add(ref bits, (nint)(position >> 3));
        var shift = (int)position & 7;
        var word = Unsafe.ReadUnaligned<ulong>(ref at);
        word = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
        return (word << shift) | ((ulong)Unsafe.Add(ref at, sizeof(ulong)) << shift >> 8);
    }
}
