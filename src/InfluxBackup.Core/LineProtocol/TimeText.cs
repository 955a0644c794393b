using System.Runtime.CompilerServices;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// Times as nanoseconds since 1970. Those of neighbouring lines have most digits in common, either the first eleven (less than a tenth of
/// a second apart) or the last eight (whole seconds): what is the same is not converted again.
/// </summary>
internal struct TimeText
{
    /// <summary>Room that is needed: 20 digits and sign, written in blocks.</summary>
    public const int MaxLength = 32;

    private const ulong Split = DecimalText.EightDigits;

    /// <summary>Below this the first part has eleven digits at most, which two words hold.</summary>
    private const ulong Largest = 1UL << 63;

    private const ulong Zeros = 0x3030303030303030;

    private ulong high;
    private ulong low;
    private Int128 highText;
    private ulong lowText;
    private int highLength;

    /// <summary>Writes a time; there is room for 32 bytes, all of which may be written to.</summary>
    /// <returns>The length of the text.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Write(long time, ref byte destination)
    {
        var value = (ulong)time;
        if (value - Split >= Largest - Split)
        {
            // Negative, or too short to be split.
            return DecimalText.Write(time, ref destination);
        }
        var first = value / Split;
        var last = value - first * Split;
        if (first != high)
        {
            // The first time comes here too, as its first part is not 0.
            lowText = highLength == 0 ? Zeros : lowText;
            high = first;
            highLength = DecimalText.Write(first, ref Unsafe.As<Int128, byte>(ref highText));
        }
        if (last != low)
        {
            low = last;
            DecimalText.WriteEight((uint)last, ref Unsafe.As<ulong, byte>(ref lowText));
        }
        Unsafe.WriteUnaligned(ref destination, highText);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref destination, highLength), lowText);
        return highLength + sizeof(ulong);
    }
}
