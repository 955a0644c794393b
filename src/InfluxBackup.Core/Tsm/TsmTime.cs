using System.Globalization;

namespace InfluxBackup.Tsm;

/// <summary>Times as messages show them.</summary>
internal static class TsmTime
{
    /// <summary>Nanoseconds since 1970 and the moment they mean: <c>1500000000000000000 (2017-07-14T02:40:00Z)</c>.</summary>
    public static string Describe(long nanoseconds)
    {
        // 64 bits of nanoseconds reach from 1677 to 2262, well inside DateTime.
        var moment = DateTime.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
        return string.Create(CultureInfo.InvariantCulture, $"{nanoseconds} ({moment:yyyy-MM-ddTHH:mm:ss.FFFFFFFZ})");
    }
}
