using System.Globalization;

namespace InfluxBackup.Metadata;

/// <summary>
/// InfluxDB counts nanoseconds since 1970 in 64 bits, which reach from 1677 to 2262; .NET counts steps of 100 ns from year 1.
/// Every time of a server fits, rounded down to 100 ns.
/// </summary>
public static class ShardTime
{
    private const long NanosecondsPerTick = 100;

    /// <summary>Year first: what else .NET takes for a time means today, or depends on where one lives.</summary>
    private static readonly string[] Formats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mmK",
    ];

    public static DateTime ToDateTime(long nanoseconds) =>
        DateTime.UnixEpoch.AddTicks(Math.DivRem(nanoseconds, NanosecondsPerTick) is var (q, r) && r < 0 ? q - 1 : q);

    /// <summary>Nanoseconds, limited to what 64 bits hold.</summary>
    public static long FromDateTime(DateTimeOffset time)
    {
        var ticks = (Int128)(time.UtcDateTime - DateTime.UnixEpoch).Ticks * NanosecondsPerTick;
        return (long)Int128.Clamp(ticks, long.MinValue, long.MaxValue);
    }

    /// <summary>
    /// Reads a time to the nanosecond: RFC 3339 with up to nine digits of a second, a date alone (midnight), or whole nanoseconds since
    /// 1970. UTC unless it has an offset.
    /// </summary>
    public static bool TryParse(string text, out long nanoseconds)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out nanoseconds))
        {
            return true;
        }

        // .NET counts seven digits of a second; the others are taken off and added.
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var digits = point < 0 ? 0 : text.AsSpan(point + 1).IndexOfAnyExceptInRange('0', '9') is var end && end >= 0 ? end : text.Length - point - 1;
        var fraction = 0L;
        var whole = text;
        if (point >= 0)
        {
            if (digits is 0 or > 9)
            {
                return false;
            }

            fraction = long.Parse(text.AsSpan(point + 1, digits), CultureInfo.InvariantCulture);
            for (var i = digits; i < 9; i++)
            {
                fraction *= 10;
            }

            whole = text.Remove(point, digits + 1);
        }

        const DateTimeStyles Styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal | DateTimeStyles.AllowWhiteSpaces;
        if (!DateTimeOffset.TryParseExact(whole, Formats, CultureInfo.InvariantCulture, Styles, out var time))
        {
            return false;
        }

        var exact = ((Int128)(time.UtcDateTime - DateTime.UnixEpoch).Ticks * NanosecondsPerTick) + fraction;
        nanoseconds = (long)Int128.Clamp(exact, long.MinValue, long.MaxValue);
        return true;
    }
}
