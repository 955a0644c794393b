using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Values from their stored differences, which is most of the work of unpacking times and integers: the first value and,
/// after each difference, the sum so far. All arithmetic is modulo 2^64.
/// </summary>
/// <remarks>
/// Where the processor has AVX2, numbers are unpacked, turned into differences and summed in registers, four at a time,
/// and stored once. A word of up to eight numbers is always unpacked as eight, because a branch on how many there really
/// are would often be guessed wrong; what lies behind them is overwritten by the next word. So up to
/// <see cref="Overshoot"/> values behind the last may be changed, if <c>destination</c> is that long; where it is
/// not, plain loops take over. Nothing outside of the given bytes and the destination is touched, whatever the words say.
/// </remarks>
internal static class DeltaSums
{
    /// <summary>Room behind the last value with which the fast loop runs to the end for words of up to eight numbers.</summary>
    public const int Overshoot = WordsNumbers - 1;

    private const int Lanes = 4;
    private const int WordSize = sizeof(ulong);

    /// <summary>As many numbers as every word of selector 8 or above is unpacked to.</summary>
    private const int WordsNumbers = 2 * Lanes;

    /// <summary>The most numbers, with bits, of one word.</summary>
    private const int MostNumbers = 60;

    /// <summary>Four big-endian words as the processor reads them.</summary>
    private static Vector256<byte> BigEndian => Vector256.Create(
        (byte)7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);

    /// <summary>A run: the first value and the same difference again and again, until the destination is full.</summary>
    public static void Run(ulong first, ulong delta, Span<ulong> destination)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated && destination.Length >= 2 * Lanes)
        {
            ref var start = ref MemoryMarshal.GetReference(destination);
            var values = Vector256.Create(first, first + delta, first + 2 * delta, first + 3 * delta);
            var others = values + Vector256.Create(Lanes * delta);
            var step = Vector256.Create(2 * Lanes * delta);
            for (; i <= destination.Length - 2 * Lanes; i += 2 * Lanes)
            {
                values.StoreUnsafe(ref start, (nuint)i);
                others.StoreUnsafe(ref start, (nuint)(i + Lanes));
                values += step;
                others += step;
            }
        }
        for (var value = first + (ulong)i * delta; i < destination.Length; i++, value += delta)
        {
            destination[i] = value;
        }
    }

    /// <summary>Differences of 8 bytes each, big-endian, the first to 0; the destination is as long as they are many.</summary>
    public static void Raw<TDelta>(ReadOnlySpan<byte> stored, TDelta delta, Span<ulong> destination)
        where TDelta : struct, IDelta
    {
        var i = 0;
        var sum = 0UL;
        if (Avx2.IsSupported && BitConverter.IsLittleEndian)
        {
            ref var bytes = ref MemoryMarshal.GetReference(stored);
            ref var start = ref MemoryMarshal.GetReference(destination);
            var sums = Vector256<ulong>.Zero;
            for (; i <= Math.Min(destination.Length, stored.Length / WordSize) - Lanes; i += Lanes)
            {
                var words = Avx2.Shuffle(Vector256.LoadUnsafe(ref bytes, (nuint)(i * WordSize)), BigEndian).AsUInt64();
                AddFour(delta.Of(words), ref sums).StoreUnsafe(ref start, (nuint)i);
            }
            sum = sums.ToScalar();
        }
        for (; i < destination.Length; i++)
        {
            destination[i] = sum += delta.Of(BinaryPrimitives.ReadUInt64BigEndian(stored[(i * WordSize)..]));
        }
    }

    /// <summary>The first value, then the sums of the differences in simple8b words, which the destination has room for.</summary>
    /// <returns>How many values there are.</returns>
    public static int Packed<TDelta>(ReadOnlySpan<byte> words, TDelta delta, ulong first, Span<ulong> destination)
        where TDelta : struct, IDelta
    {
        destination[0] = first;
        var (taken, count) = Avx2.IsSupported && BitConverter.IsLittleEndian ? PackedFast(words, delta, destination) : (0, 1);
        var sum = destination[count - 1];
        for (; taken + WordSize <= words.Length; taken += WordSize)
        {
            var word = BinaryPrimitives.ReadUInt64BigEndian(words[taken..]);
            var selector = (int)(word >> 60);
            var values = destination.Slice(count, Simple8b.Numbers[selector]);
            count += values.Length;
            if (selector < Simple8b.FirstWithBits)
            {
                Run(sum + delta.Of(1), delta.Of(1), values);
                sum = values[^1];
                continue;
            }
            var width = Simple8b.Widths[selector];
            var mask = (1UL << width) - 1;
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = sum += delta.Of(word & mask);
                word >>= width;
            }
        }
        return count;
    }

    /// <summary>Unpacks words as long as the destination has room for all that a word may store.</summary>
    /// <returns>How many bytes were taken, and how many values there are with the first, which is there already.</returns>
    private static (int Taken, int Count) PackedFast<TDelta>(ReadOnlySpan<byte> words, TDelta delta, Span<ulong> destination)
        where TDelta : struct, IDelta
    {
        ref var bytes = ref MemoryMarshal.GetReference(words);
        ref var start = ref MemoryMarshal.GetReference(destination);
        var sums = Vector256.Create(start);
        var taken = 0;
        var count = 1;
        var lanes = Vector256.Create(0UL, 1, 2, 3).AsUInt32();
        while (taken <= words.Length - WordSize && count <= destination.Length - WordsNumbers)
        {
            var word = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, taken)));
            var selector = (int)(word >> 60);
            if (selector == Simple8b.WholeWord && taken <= words.Length - Lanes * WordSize)
            {
                // Wide numbers come in company: four words that hold one each.
                var four = Avx2.Shuffle(Vector256.LoadUnsafe(ref bytes, (nuint)taken), BigEndian).AsUInt64();
                if ((four | Vector256.Create(Simple8b.MaxValue)) == Vector256<ulong>.AllBitsSet)
                {
                    AddFour(delta.Of(four & Vector256.Create(Simple8b.MaxValue)), ref sums).StoreUnsafe(ref start, (nuint)count);
                    taken += Lanes * WordSize;
                    count += Lanes;
                    continue;
                }
            }
            var width = (uint)Unsafe.Add(ref MemoryMarshal.GetReference(Simple8b.Widths), selector);
            var numbers = (int)Unsafe.Add(ref MemoryMarshal.GetReference(Simple8b.Numbers), selector);
            // Without the selector and the unused bits, so that there is nothing but zeros behind the last number.
            var copies = Vector256.Create(word & Unsafe.Add(ref MemoryMarshal.GetReference(Simple8b.Payloads), selector));
            var mask = Vector256.Create((1UL << (int)width) - 1);
            var shifts = Avx2.Multiply(Vector256.Create(width), lanes);
            if (selector >= 8)
            {
                var low = Avx2.ShiftRightLogicalVariable(copies, shifts) & mask;
                var high = Avx2.ShiftRightLogicalVariable(copies, shifts + Vector256.Create((ulong)Lanes * width)) & mask;
                AddFour(delta.Of(low), ref sums).StoreUnsafe(ref start, (nuint)count);
                AddFour(delta.Of(high), ref sums).StoreUnsafe(ref start, (nuint)(count + Lanes));
            }
            else if (selector >= Simple8b.FirstWithBits)
            {
                if (count > destination.Length - MostNumbers)
                {
                    break;
                }
                var step = Vector256.Create((ulong)Lanes * width);
                for (var i = 0; i < numbers; i += Lanes)
                {
                    AddFour(delta.Of(Avx2.ShiftRightLogicalVariable(copies, shifts) & mask), ref sums).StoreUnsafe(ref start, (nuint)(count + i));
                    shifts += step;
                }
            }
            else
            {
                if (count > destination.Length - numbers)
                {
                    break;
                }
                var one = delta.Of(1);
                Run(sums.ToScalar() + one, one, destination.Slice(count, numbers));
                sums += Vector256.Create((ulong)numbers * one);
            }
            taken += WordSize;
            count += numbers;
        }
        return (taken, count);
    }

    /// <summary>Four sums: the sum so far, in every lane, and one, two, three and four differences. They are the new sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> AddFour(Vector256<ulong> deltas, ref Vector256<ulong> sums)
    {
        // d0 d1 d2 d3 → d0 d01 d2 d23 → d0 d01 d012 d0123
        deltas += Avx2.ShiftLeftLogical128BitLane(deltas, WordSize);
        deltas += Avx2.Permute4x64(deltas, 0b01_01_00_00) & Vector256.Create(0, 0, ulong.MaxValue, ulong.MaxValue);
        var values = sums + deltas;
        // From the differences, not from the values: so the sum of one round to that of the next is a single addition.
        sums += Avx2.Permute4x64(deltas, 0b11_11_11_11);
        return values;
    }
}
