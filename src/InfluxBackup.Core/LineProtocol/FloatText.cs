using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// Floats as the official export prints them: the shortest digits that read back as the same value, in the exponent form
/// where the value is below 10^-4 or from 10^6 on (<c>1e+06</c>, <c>1.234567e+06</c>, <c>1e-05</c>), the exponent with a sign and at
/// least two digits. Reference: Go's <c>fmt</c> verb <c>%v</c> as <c>influx_inspect export</c> uses it.
/// </summary>
public static class FloatText
{
    /// <summary>Sign, 17 digits, point, exponent of five; or 0.0001 and 16 more digits. Rounded up, as digits are written in blocks.</summary>
    public const int MaxLength = 40;

    private const ulong SignBit = 1UL << 63;
    private const ulong Infinity = 0x7ffUL << 52;

    /// <summary>From this exponent on, and below the other, the exponent form is used.</summary>
    private const int FirstLargeExponent = 6;
    private const int LastSmallExponent = -5;

    private const double Thousand = 1000;
    private const double FifteenDigits = 1e15;

    /// <summary>
    /// Writes a float; <paramref name="destination"/> has room for <see cref="MaxLength"/> bytes, all of which may be written to.
    /// NaN and infinity, which no server stores, are written as such; line protocol has no form for them.
    /// </summary>
    /// <returns>The length of the text.</returns>
    public static int Write(double value, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, MaxLength, nameof(destination));
        return Write(value, ref MemoryMarshal.GetReference(destination));
    }

    internal static int Write(double value, ref byte destination)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var length = 0;
        if ((bits & SignBit) != 0)
        {
            destination = (byte)'-';
            length = 1;
            bits &= ~SignBit;
        }
        ref var text = ref Unsafe.Add(ref destination, length);
        if (bits == 0)
        {
            text = (byte)'0';
            return length + 1;
        }
        if (bits >= Infinity)
        {
            return WriteSpecial(value, ref destination);
        }

        // Numbers of a few decimals are common, and their digits need no search: up to 15 digits a decimal is the shortest that
        // reads back, if it does. A quotient of whole numbers is rounded as a reader rounds.
        var magnitude = BitConverter.UInt64BitsToDouble(bits);
        var scaled = magnitude * Thousand;
        if (scaled < FifteenDigits)
        {
            var thousandths = (ulong)scaled;
            if (thousandths == scaled && thousandths / Thousand == magnitude)
            {
                return length + WriteDigits(thousandths, -3, ref text);
            }
        }
        var digits = ShortestDecimal.From(bits, out var exponent);
        return length + WriteDigits(digits, exponent, ref text);
    }

    private static int WriteDigits(ulong digits, int exponent, ref byte text)
    {
        // At most 17 digits, as text with a first digit that is not zero; then without the zeros at the end.
        Span<byte> buffer = stackalloc byte[32];
        ref var first = ref buffer[0];
        var count = DecimalText.Write(digits, ref first);
        var scientific = exponent + count - 1;
        while (Unsafe.Add(ref first, count - 1) == '0')
        {
            count--;
        }

        if (scientific is <= LastSmallExponent or >= FirstLargeExponent)
        {
            return WriteExponentForm(ref first, count, scientific, ref text);
        }
        if (scientific < 0)
        {
            // 0.000ddd
            Unsafe.WriteUnaligned(ref text, 0x30303030_30302e30UL);
            Copy(ref first, ref Unsafe.Add(ref text, 1 - scientific));
            return 1 - scientific + count;
        }
        var whole = scientific + 1;
        Copy(ref first, ref text);
        if (count <= whole)
        {
            // ddd000
            while (count < whole)
            {
                Unsafe.Add(ref text, count++) = (byte)'0';
            }
            return whole;
        }
        // ddd.ddd
        Copy(ref Unsafe.Add(ref first, whole), ref Unsafe.Add(ref text, whole + 1));
        Unsafe.Add(ref text, whole) = (byte)'.';
        return count + 1;
    }

    private static int WriteExponentForm(ref byte digits, int count, int exponent, ref byte text)
    {
        var length = 1;
        text = digits;
        if (count > 1)
        {
            Copy(ref Unsafe.Add(ref digits, 1), ref Unsafe.Add(ref text, 2));
            Unsafe.Add(ref text, 1) = (byte)'.';
            length = count + 1;
        }
        Unsafe.Add(ref text, length++) = (byte)'e';
        Unsafe.Add(ref text, length++) = (byte)(exponent < 0 ? '-' : '+');
        var magnitude = Math.Abs(exponent);
        if (magnitude < 10)
        {
            Unsafe.Add(ref text, length++) = (byte)'0';
        }
        return length + DecimalText.Write((ulong)magnitude, ref Unsafe.Add(ref text, length));
    }

    /// <summary>17 digits at most: two overlapping blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(ref byte source, ref byte destination)
    {
        var low = Unsafe.ReadUnaligned<Int128>(ref source);
        var last = Unsafe.Add(ref source, 16);
        Unsafe.WriteUnaligned(ref destination, low);
        Unsafe.Add(ref destination, 16) = last;
    }

    private static int WriteSpecial(double value, ref byte destination)
    {
        var text = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8;
        for (var i = 0; i < text.Length; i++)
        {
            Unsafe.Add(ref destination, i) = text[i];
        }
        return text.Length;
    }
}
