using System.Buffers.Text;
using InfluxBackup.Http;

namespace InfluxBackup.Operations;

/// <summary>
/// The time of lines that have none. The server would give them its own, another one each time that they are sent: a request that is
/// repeated or divided would store its points again. So they get theirs here: the begin of the import, which a run that resumes takes
/// from the checkpoint, and in nanoseconds the number of the line is added, so that lines of a series stay apart.
/// </summary>
/// <param name="begin">When the import began.</param>
/// <param name="precision">Unit of the times.</param>
internal sealed class ImportClock(DateTime begin, WritePrecision precision)
{
    private const int NanosecondsPerTick = 100;
    private const int LongestNumber = 20;

    private readonly long time = TimeOf((begin - DateTime.UnixEpoch).Ticks, precision);
    private readonly byte[] text = new byte[1 + LongestNumber];

    /// <summary>A space and the time of a line; valid until the next call.</summary>
    public ReadOnlySpan<byte> TimeFor(long line)
    {
        text[0] = (byte)' ';
        _ = Utf8Formatter.TryFormat(precision == WritePrecision.Nanoseconds ? time + line : time, text.AsSpan(1), out var length);
        return text.AsSpan(0, 1 + length);
    }

    private static long TimeOf(long ticks, WritePrecision precision) => precision switch
    {
        WritePrecision.Nanoseconds => ticks * NanosecondsPerTick,
        WritePrecision.Microseconds => ticks / TimeSpan.TicksPerMicrosecond,
        WritePrecision.Milliseconds => ticks / TimeSpan.TicksPerMillisecond,
        WritePrecision.Seconds => ticks / TimeSpan.TicksPerSecond,
        WritePrecision.Minutes => ticks / TimeSpan.TicksPerMinute,
        _ => ticks / TimeSpan.TicksPerHour,
    };
}
