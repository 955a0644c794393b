using System.Runtime.InteropServices;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// A hash of measurement and tags in which the order of the tags does not matter, because for the server it does not either:
/// <c>m,a=1,b=2</c> and <c>m,b=2,a=1</c> are the same series.
/// </summary>
internal static class SeriesHash
{
    private const ulong Prime1 = 0x9E3779B97F4A7C15;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;

    /// <summary>The hash of a key as it stands in line protocol.</summary>
    public static ulong Of(ReadOnlySpan<byte> key)
    {
        var sum = 0UL;
        while (true)
        {
            var length = NextComma(key);
            sum += Hash(key[..length]);
            if (length == key.Length)
            {
                return sum;
            }

            key = key[(length + 1)..];
        }
    }

    /// <summary>Spreads a hash, together with a number, evenly.</summary>
    public static ulong Mix(ulong hash, ulong number)
    {
        var mixed = (hash ^ (number * Prime2)) * Prime1;
        mixed ^= mixed >> 32;
        mixed *= Prime2;
        return mixed ^ (mixed >> 29);
    }

    private static int NextComma(ReadOnlySpan<byte> key)
    {
        var at = 0;
        while (at < key.Length)
        {
            var next = key[at..].IndexOfAny((byte)',', (byte)'\\');
            if (next < 0)
            {
                break;
            }

            at += next;
            if (key[at] == (byte)',')
            {
                return at;
            }

            at += 2;
        }

        return key.Length;
    }

    private static ulong Hash(ReadOnlySpan<byte> part)
    {
        var hash = Prime1 ^ (ulong)part.Length;
        while (part.Length >= sizeof(ulong))
        {
            hash = (hash ^ MemoryMarshal.Read<ulong>(part)) * Prime2;
            hash ^= hash >> 31;
            part = part[sizeof(ulong)..];
        }

        foreach (var b in part)
        {
            hash = (hash ^ b) * Prime1;
        }

        return hash ^ (hash >> 33);
    }
}
