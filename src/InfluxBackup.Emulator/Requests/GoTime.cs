using System.Globalization;
using System.Text.RegularExpressions;

namespace InfluxBackup.Emulator;

/// <summary>Times as Go has them: RFC 3339 with up to nanoseconds, counted from 1970.</summary>
internal static partial class GoTime
{
    private const int NanosecondsPerTick = 100;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds since 1970.</summary>
    public static long Now => UnixNano(Of(DateTime.UtcNow));

    /// <summary>Nanoseconds since 1970; negative before.</summary>
    /// <exception cref="FormatException">The text is no such time.</exception>
    public static Int128 Parse(string text)
    {
        var match = Rfc3339().Match(text);
        if (!match.Success)
        {
            throw new FormatException($"parsing time \"{text}\"");
        }

        var zone = match.Groups["zone"].Value is "Z" ? "+00:00" : match.Groups["zone"].Value;
        var whole = DateTimeOffset.ParseExact(match.Groups["whole"].Value + zone, "yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
        var fraction = match.Groups["fraction"].Value.PadRight(9, '0');
        return Of(whole.UtcDateTime) + int.Parse(fraction.AsSpan(0, 9), CultureInfo.InvariantCulture);
    }

    /// <summary>Nanoseconds since 1970 of a file's time.</summary>
    public static Int128 Of(DateTime utc) => (Int128)(utc - DateTime.UnixEpoch).Ticks * NanosecondsPerTick;

    /// <summary>Go's UnixNano: 64 bits, and times before 1678 or after 2262 wrap around. A year 1 that was meant as "no limit" thus becomes a time in 1754.</summary>
    public static long UnixNano(Int128 nanoseconds) => unchecked((long)nanoseconds);

    /// <summary>RFC 3339 in UTC with as many digits of the second as are needed; null is Go's zero time, the year 1.</summary>
    public static string Format(long? nanoseconds)
    {
        if (nanoseconds is not { } time)
        {
            return "0001-01-01T00:00:00Z";
        }

        var (seconds, fraction) = ((long)Math.Floor((decimal)time / NanosecondsPerSecond), (int)(((time % NanosecondsPerSecond) + NanosecondsPerSecond) % NanosecondsPerSecond));
        var whole = DateTime.UnixEpoch.AddSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        var digits = fraction.ToString("000000000", CultureInfo.InvariantCulture).TrimEnd('0');
        return digits.Length == 0 ? $"{whole}Z" : $"{whole}.{digits}Z";
    }

    [GeneratedRegex(@"^(?<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.(?<fraction>\d+))?(?<zone>Z|[+-]\d\d:\d\d)$", RegexOptions.CultureInvariant)]
    private static partial Regex Rfc3339();
}
