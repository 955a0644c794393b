using System.Globalization;
using System.Text.RegularExpressions;

namespace InfluxBackup.Metadata;

/// <summary>How long a retention policy keeps data, as InfluxQL writes it: <c>INF</c>, <c>30d</c>, <c>52w</c>, <c>1h30m</c>.</summary>
public static partial class PolicyDuration
{
    /// <summary>Reads a duration; <see cref="TimeSpan.Zero"/> is for ever. <c>30.00:00:00</c>, days and a time, is taken too.</summary>
    /// <returns>False where the text is none.</returns>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (string.Equals(text, "INF", StringComparison.OrdinalIgnoreCase) || text == "0" || text == "0s")
        {
            return true;
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration) && duration > TimeSpan.Zero;
        }

        var match = Parts().Match(text);
        if (!match.Success)
        {
            return false;
        }

        var ticks = (Int128)0;
        foreach (var (number, unit) in match.Groups["number"].Captures.Zip(match.Groups["unit"].Captures, (n, u) => (n.Value, u.Value)))
        {
            ticks += Int128.Parse(number, CultureInfo.InvariantCulture) * TicksOf(unit);
        }

        duration = new TimeSpan((long)Int128.Min(ticks, TimeSpan.MaxValue.Ticks));
        return duration > TimeSpan.Zero;
    }

    private static long TicksOf(string unit) => unit switch
    {
        "w" => 7 * TimeSpan.TicksPerDay,
        "d" => TimeSpan.TicksPerDay,
        "h" => TimeSpan.TicksPerHour,
        "m" => TimeSpan.TicksPerMinute,
        _ => TimeSpan.TicksPerSecond,
    };

    [GeneratedRegex(@"^((?<number>[0-9]{1,18})(?<unit>[wdhms]))+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Parts();
}
