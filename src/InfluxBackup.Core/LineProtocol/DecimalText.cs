using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// Whole numbers as decimal text. Eight digits at a time are split inside one register: a number of a time stamp's 19 digits
/// costs three such steps and no loop.
/// </summary>
internal static class DecimalText
{
    /// <summary>The longest number: a sign and 19 digits, or 20 digits.</summary>
    public const int MaxLength = 20;

    /// <summary>What eight digits can hold: numbers below this.</summary>
    public const uint EightDigits = 100_000_000;

    private const ulong SixteenDigits = 10_000_000_000_000_000;

    /// <summary>Writes a number; <paramref name="destination"/> has room for <see cref="MaxLength"/> bytes, all of which may be written to.</summary>
    /// <returns>The length of the text.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(long value, ref byte destination)
    {
        if (value >= 0)
        {
            return Write((ulong)value, ref destination);
        }
        destination = (byte)'-';
        return 1 + Write(0 - (ulong)value, ref Unsafe.Add(ref destination, 1));
    }

    /// <inheritdoc cref="Write(long, ref byte)"/>
    public static int Write(ulong value, ref byte destination)
    {
        if (value < EightDigits)
        {
            return WriteShort((uint)value, ref destination);
        }
        int length;
        if (value < SixteenDigits)
        {
            var high = (uint)(value / EightDigits);
            length = WriteShort(high, ref destination);
            WriteEight((uint)(value - (ulong)high * EightDigits), ref Unsafe.Add(ref destination, length));
            return length + 8;
        }
        var top = (uint)(value / SixteenDigits);
        length = WriteShort(top, ref destination);
        WriteSixteen(value - top * SixteenDigits, ref Unsafe.Add(ref destination, length));
        return length + 16;
    }

    /// <summary>Writes exactly eight digits, with zeros in front.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteEight(uint value, ref byte destination) =>
        Unsafe.WriteUnaligned(ref destination, Digits(value) | 0x3030303030303030);

    /// <summary>Writes exactly sixteen digits, with zeros in front.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteSixteen(ulong value, ref byte destination)
    {
        var high = (uint)(value / EightDigits);
        WriteEight(high, ref destination);
        WriteEight((uint)(value - (ulong)high * EightDigits), ref Unsafe.Add(ref destination, 8));
    }

    /// <summary>Writes a number of up to eight digits without zeros in front; eight bytes may be written to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteShort(uint value, ref byte destination)
    {
        var digits = Digits(value);
        // Zero bytes at the low end are leading zeros; the last digit stays even if it is one.
        var zeros = BitOperations.TrailingZeroCount(digits | (1UL << 56)) >> 3;
        Unsafe.WriteUnaligned(ref destination, (digits | 0x3030303030303030) >> (8 * zeros));
        return 8 - zeros;
    }

    /// <summary>The eight digits of a number below 10^8, one a byte, the first in the lowest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Digits(uint value)
    {
        // Two halves of four digits, then four of two, then eight of one. The products are exact divisions by 100 (below
        // 43 698) and by 10 (below 178).
        var high = value / 10_000;
        var halves = high | ((ulong)(value - high * 10_000) << 32);
        var hundreds = ((halves * 10_486) >> 20) & 0x0000007f_0000007f;
        var pairs = hundreds | ((halves - hundreds * 100) << 16);
        var tens = ((pairs * 103) >> 10) & 0x000f000f_000f000f;
        return tens | ((pairs - tens * 10) << 8);
    }
}
