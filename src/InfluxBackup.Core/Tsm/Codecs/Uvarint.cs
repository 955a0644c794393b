namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Unsigned numbers of variable length (LEB128): seven bits a byte, the low group first, the high bit says that more follow.
/// <code>300 = 1 0101100  0 0000010</code>
/// </summary>
internal static class Uvarint
{
    /// <summary>Reads a number from the front of <paramref name="bytes"/> and takes it off. False if it is cut or larger than 64 bits.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < bytes.Length && i < 10; i++)
        {
            var b = bytes[i];
            if (i == 9 && b > 1)
            {
                return false;
            }
            value |= (ulong)(b & 0x7f) << (7 * i);
            if (b < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }
        return false;
    }

    /// <summary>The most bytes that a number takes.</summary>
    public const int MaxSize = 10;

    /// <summary>Writes a number to the front of <paramref name="destination"/>, which has room for <see cref="MaxSize"/> bytes.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int Write(Span<byte> destination, ulong value)
    {
        var length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            destination[length++] = (byte)(value | 0x80);
        }
        destination[length++] = (byte)value;
        return length;
    }
}
