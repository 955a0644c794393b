using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>
/// The points of one key that count: ascending times, of several at one time the last that was written, without those that a later
/// delete took. One object serves all keys of a run, one after another.
/// </summary>
internal sealed class WalCachedKey(long[] allTimes, long[] allValues, byte[] text)
{
    private readonly PriorityQueue<WalCachedDelete, int> active = new();
    private long[] times = [];
    private long[] values = [];
    private int[] places = [];
    private byte[] key = [];
    private int keyLength;

    public ReadOnlySpan<byte> Key => key.AsSpan(0, keyLength);

    public TsmBlockType Type { get; private set; }

    /// <summary>How many points are left.</summary>
    public int Count { get; private set; }

    public ReadOnlySpan<long> Times => times.AsSpan(0, Count);

    /// <summary>Numbers as they are, floats by their bits, booleans as 0 or 1, strings by where they lie: <see cref="RangeOf"/>.</summary>
    public ReadOnlySpan<long> Values => values.AsSpan(0, Count);

    /// <summary>What <see cref="RangeOf"/> points into.</summary>
    public ReadOnlySpan<byte> Text => text;

    public static long TextAt(int offset, int length) => ((long)offset << 32) | (uint)length;

    public static Range RangeOf(long value) => (int)(value >> 32)..((int)(value >> 32) + (int)value);

    /// <param name="points">Places of its points, in the order in which they came.</param>
    /// <param name="deletes">Places of its deletes in <paramref name="allDeletes"/>.</param>
    public void Load(ReadOnlySpan<byte> key, TsmBlockType type, ReadOnlySpan<int> points, Span<int> deletes, WalCachedDelete[] allDeletes)
    {
        Reserve(key.Length, points.Length);
        key.CopyTo(this.key);
        (keyLength, Type, Count) = (key.Length, type, 0);
        points.CopyTo(places);
        var ascends = true;
        for (var i = 0; i < points.Length; i++)
        {
            times[i] = allTimes[points[i]];
            ascends &= i == 0 || times[i - 1] < times[i];
        }
        if (!ascends)
        {
            times.AsSpan(0, points.Length).Sort(places.AsSpan(0, points.Length));
        }
        deletes.Sort((a, b) => allDeletes[a].Range.Min.CompareTo(allDeletes[b].Range.Min));
        Select(points.Length, deletes, allDeletes);
    }

    /// <summary>
    /// Goes forward in time over points and deletes at once. Of the deletes that cover a time only the latest matters; it lies on
    /// top of the queue, after those have been taken off whose range has passed.
    /// </summary>
    private void Select(int count, ReadOnlySpan<int> deletes, WalCachedDelete[] allDeletes)
    {
        active.Clear();
        var nextDelete = 0;
        for (var i = 0; i < count;)
        {
            var time = times[i];
            var last = places[i];
            for (i++; i < count && times[i] == time; i++)
            {
                last = Math.Max(last, places[i]);
            }
            for (; nextDelete < deletes.Length && allDeletes[deletes[nextDelete]].Range.Min <= time; nextDelete++)
            {
                var delete = allDeletes[deletes[nextDelete]];
                active.Enqueue(delete, -delete.Points);
            }
            while (active.TryPeek(out var passed, out _) && passed.Range.Max < time)
            {
                active.Dequeue();
            }
            if (!active.TryPeek(out var latest, out _) || latest.Points <= last)
            {
                times[Count] = time;
                values[Count++] = allValues[last];
            }
        }
    }

    private void Reserve(int length, int points)
    {
        if (key.Length < length)
        {
            key = new byte[Math.Max(length, 2 * key.Length)];
        }
        if (times.Length < points)
        {
            var room = Math.Max(points, 2 * times.Length);
            (times, values, places) = (new long[room], new long[room], new int[room]);
        }
    }
}
