using System.Buffers.Text;

namespace InfluxBackup.Bench;

/// <summary>
/// The points of the data set, as line protocol and without allocation. A shard holds one day of
/// <see cref="SeriesPerShard"/> series; each point has <see cref="FieldCount"/> noisy floats, which no codec makes smaller,
/// and a time that is off the regular step by some milliseconds.
/// </summary>
internal sealed class LineFormatter
{
    public const int SeriesPerShard = 500;
    public const int FieldCount = 6;
    public const string Database = "bench";
    public const string Measurement = "noise";
    private const long FirstDay = 1_500_076_800_000;
    private const long DayMilliseconds = 86_400_000;
    private const int LongestLine = 256;

    /// <summary>Numbers already written out: the loader must not be slower than the server.</summary>
    private static readonly byte[][] Numbers = CreateNumbers();

    private readonly Random _random;
    private readonly long _day;
    private readonly long _points;
    private readonly byte[] _buffer;
    private long _next;

    /// <param name="shard">The shard, counted from 0.</param>
    /// <param name="points">How many points go into it.</param>
    /// <param name="linesPerBatch">Length of the batches that <see cref="NextBatch"/> gives.</param>
    public LineFormatter(int shard, long points, int linesPerBatch)
    {
        _random = new Random(shard);
        _day = FirstDay + (shard * DayMilliseconds);
        _points = points;
        _buffer = new byte[linesPerBatch * LongestLine];
    }

    /// <summary>The next lines, valid until the next call; empty at the end.</summary>
    public ReadOnlyMemory<byte> NextBatch()
    {
        int length = 0;
        while (_next < _points && length + LongestLine <= _buffer.Length)
        {
            length += WriteLine(_buffer.AsSpan(length), _next++);
        }
        return _buffer.AsMemory(0, length);
    }

    private int WriteLine(Span<byte> line, long index)
    {
        // All series take turns, as they do when many machines report.
        int series = (int)(index % SeriesPerShard);
        long steps = Math.Max(1, (_points + SeriesPerShard - 1) / SeriesPerShard);
        long step = DayMilliseconds / steps;
        long time = _day + (index / SeriesPerShard * step) + _random.NextInt64(Math.Min(step, 1000));

        int at = Copy("noise,host=h"u8, line);
        at += Format(series, line[at..]);
        for (int field = 0; field < FieldCount; field++)
        {
            line[at++] = (byte)(field == 0 ? ' ' : ',');
            line[at++] = (byte)'f';
            line[at++] = (byte)('0' + field);
            line[at++] = (byte)'=';
            at += Copy(Numbers[_random.Next(Numbers.Length)], line[at..]);
        }
        line[at++] = (byte)' ';
        at += Format(time, line[at..]);
        line[at++] = (byte)'\n';
        return at;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }

    private static int Format(long number, Span<byte> target)
    {
        Utf8Formatter.TryFormat(number, target, out int written);
        return written;
    }

    private static byte[][] CreateNumbers()
    {
        var random = new Random(17);
        var numbers = new byte[1 << 17][];
        byte[] text = new byte[40];
        for (int i = 0; i < numbers.Length; i++)
        {
            // Sign and exponent vary too.
            double number = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 6));
            Utf8Formatter.TryFormat(number, text, out int written);
            numbers[i] = text[..written];
        }
        return numbers;
    }
}
