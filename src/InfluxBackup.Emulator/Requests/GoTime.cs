using System.Globalization;
using System.Text.RegularExpressions;

namespace InfluxBackup.Emulator;

/// <summary>Times as Go has them: RFC 3339 with up to nanoseconds, counted from 1970.</summary>
internal static partial class GoTime
{
    private const int NanosecondsPerTick = 100;

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

    [GeneratedRegex(@"^(?<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.(?<fraction>\d+))?(?<zone>Z|[+-]\d\d:\d\d)$", RegexOptions.CultureInvariant)]
    private static partial Regex Rfc3339();
}
