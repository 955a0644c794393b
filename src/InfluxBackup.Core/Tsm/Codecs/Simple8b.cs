using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// simple8b: whole numbers below 2^60 in 64-bit words, big-endian. The top 4 bits select how many numbers of which
/// width fill the other 60, from the low end up.
/// <code>
///  63  60 59                                  2w        w        0
/// ┌──────┬───────────────────────────┬─────────┬────────┬────────┐
/// │ sel. │ unused, less than w bits  │ value n │   …    │ value 0│
/// └──────┴───────────────────────────┴─────────┴────────┴────────┘
/// selector  0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15
/// numbers 240 120  60  30  20  15  12  10   8   7   6   5   4   3   2   1
/// width     0   0   1   2   3   4   5   6   7   8  10  12  15  20  30  60
/// </code>
/// Selectors 0 and 1 stand for a run of ones. Reference: github.com/jwilder/encoding/simple8b.
/// </summary>
public static class Simple8b
{
    internal const int WordSize = 8;

    /// <summary>The most numbers that one word can stand for.</summary>
    internal const int MaxPerWord = 240;

    /// <summary>The largest number that can be packed.</summary>
    public const ulong MaxValue = (1UL << 60) - 1;

    /// <summary>The first selector of numbers that have bits; those before it stand for ones.</summary>
    internal const int FirstWithBits = 2;

    /// <summary>The selector of a word that holds one number.</summary>
    internal const int WholeWord = 15;

    internal static ReadOnlySpan<byte> Numbers => [240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1];

    internal static ReadOnlySpan<byte> Widths => [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60];

    /// <summary>The bits of a word that hold numbers: neither the selector nor what is unused.</summary>
    internal static ReadOnlySpan<ulong> Payloads =>
    [
        0, 0, MaxValue, MaxValue, MaxValue, MaxValue, MaxValue, MaxValue,
        (1UL << 56) - 1, (1UL << 56) - 1, MaxValue, MaxValue, MaxValue, MaxValue, MaxValue, MaxValue,
    ];

    /// <summary>How many numbers these words hold.</summary>
    public static long Count(ReadOnlySpan<byte> words)
    {
        if (words.Length % WordSize != 0)
        {
            throw new TsmFormatException($"Packed numbers of {words.Length} bytes are not made of whole words of {WordSize}.");
        }
        long count = 0;
        var i = 0;
        if (Avx2.IsSupported && BitConverter.IsLittleEndian)
        {
            // The selector is the high half of a word's first byte. All other bytes look up nothing and stay zero.
            var table = Vector256.Create(Vector128.Create(Numbers), Vector128.Create(Numbers));
            var others = Vector256.Create(0x8080808080808000).AsByte();
            var counts = Vector256<long>.Zero;
            for (; i <= words.Length - Vector256<byte>.Count; i += Vector256<byte>.Count)
            {
                var four = Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(words), (nuint)i);
                var selectors = Vector256.ShiftRightLogical(four.AsUInt64(), 4) & Vector256.Create(0xfUL);
                counts += Avx2.Shuffle(table, selectors.AsByte() | others).AsInt64();
            }
            count = Vector256.Sum(counts);
        }
        for (; i < words.Length; i += WordSize)
        {
            count += Numbers[words[i] >> 4];
        }
        return count;
    }

    /// <summary>Unpacks all numbers into <paramref name="destination"/>, which must have room for <see cref="Count"/> of them.</summary>
    /// <returns>How many there were.</returns>
    public static int Decode(ReadOnlySpan<byte> words, Span<ulong> destination)
    {
        var count = 0;
        for (; words.Length >= WordSize; words = words[WordSize..])
        {
            var word = BinaryPrimitives.ReadUInt64BigEndian(words);
            var selector = (int)(word >> 60);
            var numbers = destination.Slice(count, Numbers[selector]);
            if (selector < FirstWithBits)
            {
                numbers.Fill(1);
            }
            else
            {
                var width = Widths[selector];
                var mask = (1UL << width) - 1;
                for (var i = 0; i < numbers.Length; i++)
                {
                    numbers[i] = word & mask;
                    word >>= width;
                }
            }
            count += numbers.Length;
        }
        return count;
    }

    /// <summary>
    /// Packs numbers, none above <see cref="MaxValue"/>, as many into each word as fit. The words hold exactly these
    /// numbers and no filling.
    /// </summary>
    public static void Encode(ReadOnlySpan<ulong> values, IBufferWriter<byte> destination)
    {
        if (values.IsEmpty)
        {
            return;
        }
        var words = destination.GetSpan(checked(values.Length * WordSize));
        var length = 0;
        while (!values.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64BigEndian(words[length..], NextWord(values, out var taken));
            values = values[taken..];
            length += WordSize;
        }
        destination.Advance(length);
    }

    private static ulong NextWord(ReadOnlySpan<ulong> values, out int taken)
    {
        if (values[0] == 1 && values.Length >= Numbers[1])
        {
            var ones = values[..Math.Min(values.Length, MaxPerWord)].IndexOfAnyExcept(1UL);
            ones = ones < 0 ? Math.Min(values.Length, MaxPerWord) : ones;
            if (ones >= Numbers[1])
            {
                taken = ones == MaxPerWord ? MaxPerWord : Numbers[1];
                return ones == MaxPerWord ? 0UL : 1UL << 60;
            }
        }
        // From one wide number to many narrow ones: where some do not fit, more of them that are narrower do not either.
        var selector = Numbers.Length;
        var all = 0UL;
        taken = 0;
        while (selector > FirstWithBits && values.Length >= Numbers[selector - 1])
        {
            var more = all;
            foreach (var value in values[taken..Numbers[selector - 1]])
            {
                more |= value;
            }
            if (more >> Widths[selector - 1] != 0)
            {
                break;
            }
            all = more;
            taken = Numbers[--selector];
        }
        if (taken == 0)
        {
            throw new ArgumentException($"{values[0]} takes more than 60 bits and cannot be packed.", nameof(values));
        }
        var word = (ulong)selector << 60;
        for (var i = 0; i < taken; i++)
        {
            word |= values[i] << (i * Widths[selector]);
        }
        return word;
    }
}
