namespace InfluxBackup.Tsm;

/// <summary>Points that are put together from those of several blocks.</summary>
public sealed partial class TsmPoints
{
    private byte[] gathered = [];
    private int gatheredLength;

    /// <summary>Numbers as they are stored: integers, unsigned integers, or the bits of floats. Longer than there are points.</summary>
    internal long[] NumberArray => numbers;

    /// <summary>Bytes of the strings that were put together.</summary>
    internal int GatheredText => gatheredLength;

    /// <summary>Bytes of the buffers.</summary>
    internal long Room => PointRoom + unpackedText.Length + gathered.Length;

    /// <summary>Bytes of the buffers without text, which is never much longer than what it was packed into.</summary>
    internal long PointRoom => (times.Length + (long)numbers.Length + ranges.Length) * sizeof(long) + booleans.Length;

    /// <summary>Starts anew, without points.</summary>
    internal void Clear(TsmBlockType type)
    {
        Type = type;
        Count = 0;
        gatheredLength = 0;
    }

    /// <summary>Adds points of the same type. After <see cref="Clear"/> only; not to those of a block.</summary>
    internal void Append(TsmPoints source, int from, int count)
    {
        EnsureRoom(ref times, Count + count);
        source.times.AsSpan(from, count).CopyTo(times.AsSpan(Count));
        switch (Type)
        {
            case TsmBlockType.Boolean:
                EnsureRoom(ref booleans, Count + count);
                source.booleans.AsSpan(from, count).CopyTo(booleans.AsSpan(Count));
                break;
            case TsmBlockType.String:
                AppendStrings(source, from, count);
                break;
            default:
                EnsureRoom(ref numbers, Count + count);
                source.numbers.AsSpan(from, count).CopyTo(numbers.AsSpan(Count));
                break;
        }
        Count += count;
    }

    /// <summary>How many points in a row have the same values as those of another block of the same type, bit for bit.</summary>
    internal int CommonValues(int from, TsmPoints other, int otherFrom, int count)
    {
        switch (Type)
        {
            case TsmBlockType.Boolean:
                return booleans.AsSpan(from, count).CommonPrefixLength(other.booleans.AsSpan(otherFrom, count));
            case TsmBlockType.String:
                var same = 0;
                while (same < count && String(from + same).SequenceEqual(other.String(otherFrom + same)))
                {
                    same++;
                }
                return same;
            default:
                return numbers.AsSpan(from, count).CommonPrefixLength(other.numbers.AsSpan(otherFrom, count));
        }
    }

    private void AppendStrings(TsmPoints source, int from, int count)
    {
        EnsureRoom(ref ranges, Count + count);
        for (var i = 0; i < count; i++)
        {
            var bytes = source.String(from + i);
            if (gatheredLength + bytes.Length > gathered.Length)
            {
                Array.Resize(ref gathered, Math.Max((int)Math.Min(Array.MaxLength, 2L * gathered.Length), checked(gatheredLength + bytes.Length)));
            }
            bytes.CopyTo(gathered.AsSpan(gatheredLength));
            ranges[Count + i] = gatheredLength..(gatheredLength + bytes.Length);
            gatheredLength += bytes.Length;
        }
        text = gathered;
    }

    private void EnsureRoom<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            var filled = buffer.AsSpan(0, Count).ToArray();
            Grow(ref buffer, Math.Max(length, 2 * buffer.Length));
            filled.CopyTo(buffer, 0);
        }
    }
}
