using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// The shortest decimal number that reads back as the same double, and of those the closest: what Go's
/// <c>strconv.FormatFloat(v, 'g', -1, 64)</c> prints too.
/// </summary>
/// <remarks>
/// The method is Raffaello Giulietti's "The Schubfach way to render doubles" (2020). A double c·2^q stands for all reals between
/// the middles to its neighbours. One 128-bit approximation of a power of ten scales the two borders and the value itself to
/// integers; rounded to odd, they still compare like the exact numbers. <c>double.TryFormat</c> of the framework takes about
/// 110 ns for 17 digits on the machine of the benchmark, this with its text about 20: it was most of the time of an export.
/// </remarks>
internal static class ShortestDecimal
{
    private const int SmallestPower = -292;
    private const int LargestPower = 324;
    private const int SignificandBits = 52;
    private const int ExponentBias = 1075;

    private static readonly ulong[] Powers = CreatePowers();

    /// <summary>Returns digits and exponent: the value is digits · 10^exponent. Zeros may end the digits.</summary>
    /// <param name="bits">The bits of a finite double above zero, without the sign.</param>
    /// <param name="exponent">The power of ten.</param>
    public static ulong From(ulong bits, out int exponent)
    {
        var fraction = bits & ((1UL << SignificandBits) - 1);
        var biased = (int)(bits >> SignificandBits);
        var c = biased == 0 ? fraction : fraction | (1UL << SignificandBits);
        var q = biased == 0 ? 1 - ExponentBias : biased - ExponentBias;

        // Above a power of two the neighbours are twice as far apart as below it.
        var isUneven = fraction == 0 && biased > 1;
        var k = ((q * 1_262_611) - (isUneven ? 524_031 : 0)) >> 22;
        var h = q + ((-k * 1_741_647) >> 19) + 1;

        var index = 2 * (-k - SmallestPower);
        var powerHigh = Powers[index];
        var powerLow = Powers[index + 1];

        // Everything times four, so that the middles between neighbours are whole numbers.
        var lower = ScaleToOdd(powerHigh, powerLow, (4 * c - (isUneven ? 1UL : 2UL)) << h);
        var value = ScaleToOdd(powerHigh, powerLow, (4 * c) << h);
        var upper = ScaleToOdd(powerHigh, powerLow, (4 * c + 2) << h);

        // Readers round to even: the borders themselves belong to doubles with an even significand.
        if ((c & 1) != 0)
        {
            lower++;
            upper--;
        }

        var s = value >> 2;
        if (s >= 10)
        {
            var tenth = s / 10;
            var fitsBelow = lower <= 40 * tenth;
            var fitsAbove = 40 * tenth + 40 <= upper;
            if (fitsBelow != fitsAbove)
            {
                exponent = k + 1;
                return tenth + (fitsAbove ? 1UL : 0);
            }
        }

        exponent = k;
        var isInside = lower <= 4 * s;
        var nextIsInside = 4 * s + 4 <= upper;
        if (isInside != nextIsInside)
        {
            return s + (nextIsInside ? 1UL : 0);
        }
        var middle = 4 * s + 2;
        return s + (value > middle || (value == middle && (s & 1) != 0) ? 1UL : 0);
    }

    /// <summary>power · factor / 2^128, with the lowest bit set if anything was cut off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ScaleToOdd(ulong powerHigh, ulong powerLow, ulong factor)
    {
        var carry = Math.BigMul(powerLow, factor, out _);
        var high = Math.BigMul(powerHigh, factor, out var middle);
        middle += carry;
        high += middle < carry ? 1UL : 0;
        return high | (middle > 1 ? 1UL : 0);
    }

    /// <summary>10^p for every p that occurs, as 128 bits of which the highest is set, rounded up: high word, low word.</summary>
    private static ulong[] CreatePowers()
    {
        var powers = new ulong[2 * (LargestPower - SmallestPower + 1)];
        for (var p = SmallestPower; p <= LargestPower; p++)
        {
            BigInteger rounded;
            if (p >= 0)
            {
                var exact = BigInteger.Pow(10, p);
                var excess = (int)exact.GetBitLength() - 128;
                rounded = excess <= 0 ? exact << -excess : Ceiling(exact, BigInteger.One << excess);
            }
            else
            {
                var divisor = BigInteger.Pow(10, -p);
                var bits = (int)divisor.GetBitLength() + 127;
                rounded = Ceiling(BigInteger.One << bits, divisor);
            }
            powers[2 * (p - SmallestPower)] = (ulong)(rounded >> 64);
            powers[2 * (p - SmallestPower) + 1] = (ulong)(rounded & ulong.MaxValue);
        }
        return powers;
    }

    private static BigInteger Ceiling(BigInteger dividend, BigInteger divisor) => (dividend + divisor - 1) / divisor;
}
