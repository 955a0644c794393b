using System.Buffers;
using System.Runtime.InteropServices;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tsm;

/// <summary>
/// The points of one block, unpacked. One object serves any number of blocks, one after another: the buffers are pooled
/// and grow with what the blocks really hold, so that unpacking allocates nothing once they are large enough.
/// </summary>
public sealed partial class TsmPoints : IDisposable
{
    private long[] times = [];
    private long[] numbers = [];
    private bool[] booleans = [];
    private Range[] ranges = [];
    private byte[] unpackedText = [];

    /// <summary>The text that <see cref="ranges"/> refer to: what was unpacked, or what was put together.</summary>
    private byte[] text = [];

    /// <summary>How many points there are.</summary>
    public int Count { get; private set; }

    public TsmBlockType Type { get; private set; }

    /// <summary>The times, ascending in a sound block.</summary>
    public ReadOnlySpan<long> Times => times.AsSpan(0, Count);

    /// <summary>The values of a block of type <see cref="TsmBlockType.Float"/>.</summary>
    public ReadOnlySpan<double> Floats => MemoryMarshal.Cast<long, double>(Numbers(TsmBlockType.Float));

    /// <summary>The values of a block of type <see cref="TsmBlockType.Integer"/>.</summary>
    public ReadOnlySpan<long> Integers => Numbers(TsmBlockType.Integer);

    /// <summary>The values of a block of type <see cref="TsmBlockType.Unsigned"/>.</summary>
    public ReadOnlySpan<ulong> Unsigneds => MemoryMarshal.Cast<long, ulong>(Numbers(TsmBlockType.Unsigned));

    /// <summary>The values of a block of type <see cref="TsmBlockType.Boolean"/>.</summary>
    public ReadOnlySpan<bool> Booleans => Type == TsmBlockType.Boolean ? booleans.AsSpan(0, Count) : throw WrongType(TsmBlockType.Boolean);

    /// <summary>One value of a block of type <see cref="TsmBlockType.String"/>.</summary>
    public ReadOnlySpan<byte> String(int index) =>
        Type == TsmBlockType.String ? text.AsSpan()[ranges.AsSpan(0, Count)[index]] : throw WrongType(TsmBlockType.String);

    /// <summary>Where the values of a block of type <see cref="TsmBlockType.String"/> lie in <see cref="Text"/>.</summary>
    public ReadOnlySpan<Range> Strings => Type == TsmBlockType.String ? ranges.AsSpan(0, Count) : throw WrongType(TsmBlockType.String);

    /// <summary>The text of all values of a block of type <see cref="TsmBlockType.String"/>, and perhaps more behind it.</summary>
    public ReadOnlySpan<byte> Text => Type == TsmBlockType.String ? text : throw WrongType(TsmBlockType.String);

    /// <summary>
    /// Unpacks a block, given without its checksum. Throws <see cref="TsmFormatException"/> if it cannot be unpacked or
    /// has not as many values as times.
    /// </summary>
    public void Decode(ReadOnlySpan<byte> block)
    {
        var counts = Read(TsmBlock.Parse(block));
        if (!counts.Agree)
        {
            throw new TsmFormatException(counts.Describe());
        }
    }

    /// <summary>Takes away the points with times from <paramref name="min"/> to <paramref name="max"/>, both included.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(long min, long max) => Remove([new TimeRange(min, max)]);

    /// <summary>Takes away the points whose times lie in one of these ranges, which ascend and do not overlap.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(ReadOnlySpan<TimeRange> removed)
    {
        var kept = 0;
        for (var (i, next) = (0, 0); i < Count; i++)
        {
            while (next < removed.Length && removed[next].Max < times[i])
            {
                next++;
            }
            if (next < removed.Length && removed[next].Contains(times[i]))
            {
                continue;
            }
            times[kept] = times[i];
            switch (Type)
            {
                case TsmBlockType.Boolean:
                    booleans[kept] = booleans[i];
                    break;
                case TsmBlockType.String:
                    ranges[kept] = ranges[i];
                    break;
                default:
                    numbers[kept] = numbers[i];
                    break;
            }
            kept++;
        }
        var count = Count - kept;
        Count = kept;
        return count;
    }

    /// <summary>
    /// Unpacks a block if it has as many values as times; otherwise returns the two numbers and holds no points. The
    /// values go first: they cannot claim more than their bytes, or a run says how many they are, and so a run of
    /// billions of times is found out before there is room for one of them.
    /// </summary>
    internal PointCounts Read(TsmBlock block)
    {
        Count = 0;
        Type = block.Type;
        var timeCount = At(block.TimesOffset, block.Times, TimestampCodec.Count);
        PointCounts counts;
        try
        {
            counts = new PointCounts(timeCount, ReadValues(block, timeCount));
        }
        catch (TsmFormatException error)
        {
            throw Moved(error, block.ValuesOffset);
        }
        if (counts.Agree)
        {
            Grow(ref times, (int)timeCount + DeltaSums.Overshoot);
            Count = TimestampCodec.Decode(block.Times, times);
        }
        return counts;
    }

    /// <summary>Unpacks the values, or where their number does not fit returns only that.</summary>
    private ulong ReadValues(TsmBlock block, ulong timeCount)
    {
        if (timeCount > TsmFormat.MaxPointsPerBlock)
        {
            var claimed = CountValues(block);
            return claimed != timeCount
                ? claimed
                : throw new TsmFormatException($"The block claims {timeCount} points; more than {TsmFormat.MaxPointsPerBlock} are not accepted.");
        }
        // One more than there should be: so that codecs which cannot count ahead show that there is too much.
        var room = (int)timeCount + 1;
        switch (block.Type)
        {
            case TsmBlockType.Float:
                Grow(ref numbers, room);
                return (ulong)FloatCodec.Decode(block.Values, MemoryMarshal.Cast<long, double>(numbers.AsSpan(0, room)));
            case TsmBlockType.String:
                return ReadStrings(block, room);
        }
        var count = CountValues(block);
        if (count != timeCount)
        {
            return count;
        }
        if (block.Type == TsmBlockType.Boolean)
        {
            Grow(ref booleans, room);
            return (ulong)BooleanCodec.Decode(block.Values, booleans);
        }
        Grow(ref numbers, room + DeltaSums.Overshoot);
        return (ulong)IntegerCodec.Decode(block.Values, numbers);
    }

    /// <summary>The number of values; of floats and strings, no more than is needed to tell that there are too many.</summary>
    private ulong CountValues(TsmBlock block)
    {
        // A float takes a bit at least; three bytes of compressed text stand for 64 empty strings at most.
        var possible = (int)Math.Min(TsmFormat.MaxPointsPerBlock, block.Values.Length * 22L);
        switch (block.Type)
        {
            case TsmBlockType.Integer or TsmBlockType.Unsigned:
                return IntegerCodec.Count(block.Values);
            case TsmBlockType.Boolean:
                return BooleanCodec.Count(block.Values);
            case TsmBlockType.Float:
                Grow(ref numbers, possible);
                return (ulong)FloatCodec.Decode(block.Values, MemoryMarshal.Cast<long, double>(numbers.AsSpan(0, possible)));
            case TsmBlockType.String:
                return ReadStrings(block, possible);
            default:
                throw new TsmFormatException($"Blocks of {block.Type.Describe()} cannot be unpacked.");
        }
    }

    private ulong ReadStrings(TsmBlock block, int room)
    {
        Grow(ref ranges, room);
        text = [];
        var count = StringCodec.Decode(block.Values, ranges.AsSpan(0, room), ref unpackedText);
        text = unpackedText;
        return (ulong)count;
    }

    private delegate ulong Counting(ReadOnlySpan<byte> encoded);

    private static ulong At(int offset, ReadOnlySpan<byte> encoded, Counting count)
    {
        try
        {
            return count(encoded);
        }
        catch (TsmFormatException error)
        {
            throw Moved(error, offset);
        }
    }

    /// <summary>The same error, its position counted from the start of the block.</summary>
    private static TsmFormatException Moved(TsmFormatException error, int offset) => new(error.Message, offset + error.Offset, error);

    private ReadOnlySpan<long> Numbers(TsmBlockType type) => Type == type ? numbers.AsSpan(0, Count) : throw WrongType(type);

    private InvalidOperationException WrongType(TsmBlockType asked) => new($"The block holds {Type.Describe()} values, not {asked.Describe()}.");

    private static void Grow<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            ArrayPool<T>.Shared.Return(buffer);
            buffer = ArrayPool<T>.Shared.Rent(length);
        }
    }

    public void Dispose()
    {
        ArrayPool<long>.Shared.Return(times);
        ArrayPool<long>.Shared.Return(numbers);
        ArrayPool<bool>.Shared.Return(booleans);
        ArrayPool<Range>.Shared.Return(ranges);
        ArrayPool<byte>.Shared.Return(unpackedText);
        (times, numbers, booleans, ranges, unpackedText, text, Count) = ([], [], [], [], [], [], 0);
    }
}

/// <summary>How many times and values a block claims or has.</summary>
internal readonly record struct PointCounts(ulong Times, ulong Values)
{
    public bool Agree => Times == Values;

    public string Describe() => Values > Times
        ? $"The block has {Times} times, but at least {Values} values."
        : $"The block has {Times} times, but {Values} values.";
}
