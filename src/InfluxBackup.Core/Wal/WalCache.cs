using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>
/// What a stretch of the log adds and deletes, in memory. Points and deletes wait in the order in which they came, in columns; what
/// counts in the end is found when they are sorted: <see cref="WalCachedKey"/>.
/// </summary>
internal sealed class WalCache
{
    // What a key, a point and a delete take beside the bytes of keys and texts: in the columns, which are one and a half times as
    // long as they need be on average, and while they are sorted.
    private const int KeySize = 64;
    private const int PointSize = 36;
    private const int DeleteSize = 48;
    private const int FirstCapacity = 1024;

    private readonly WalKeys keys = new();
    private KeyState[] states = new KeyState[FirstCapacity];
    private int[] pointKeys = new int[FirstCapacity];
    private long[] times = new long[FirstCapacity];
    private long[] values = new long[FirstCapacity];
    private byte[] text = [];
    private int textLength;
    private int[] deleteKeys = [];
    private WalCachedDelete[] deletes = [];
    private int deleteCount;

    private struct KeyState
    {
        public TsmBlockType Type;
        public int Points;
        public int Deletes;

        /// <summary>Nothing of it is left that was written before.</summary>
        public bool IsDeleted;
    }

    /// <summary>How many points wait, whether they count in the end or not.</summary>
    public int Points { get; private set; }

    public bool IsEmpty => Points == 0;

    /// <summary>Bytes of what waits, roughly.</summary>
    public long Size => keys.Length + (long)keys.Count * KeySize + (long)Points * PointSize + textLength + (long)deleteCount * DeleteSize;

    /// <summary>Begins or goes on with a key. Its number, or -1 if it has points of another type.</summary>
    public int BeginKey(ReadOnlySpan<byte> key, TsmBlockType type)
    {
        var number = keys.Intern(key);
        if (number == states.Length)
        {
            Array.Resize(ref states, states.Length * 2);
        }
        ref var state = ref states[number];
        if (state.Points > 0 && state.Type != type && !state.IsDeleted)
        {
            return -1;
        }
        (state.Type, state.IsDeleted) = (type, false);
        return number;
    }

    /// <summary>Adds the current point.</summary>
    public void Add(int key, in WalValues point)
    {
        if (Points == times.Length)
        {
            Array.Resize(ref pointKeys, Points * 2);
            Array.Resize(ref times, Points * 2);
            Array.Resize(ref values, Points * 2);
        }
        pointKeys[Points] = key;
        times[Points] = point.Time;
        values[Points] = point.Type switch
        {
            TsmBlockType.Float => BitConverter.DoubleToInt64Bits(point.Float),
            TsmBlockType.Integer => point.Integer,
            TsmBlockType.Unsigned => (long)point.Unsigned,
            TsmBlockType.Boolean => point.Boolean ? 1 : 0,
            _ => Store(point.String),
        };
        states[key].Points++;
        Points++;
    }

    /// <summary>Deletes points of a key that were added before.</summary>
    public void Delete(ReadOnlySpan<byte> key, TimeRange range)
    {
        var number = keys.Find(key);
        if (number < 0 || range.Min > range.Max)
        {
            return;
        }
        if (deleteCount == deletes.Length)
        {
            Array.Resize(ref deleteKeys, Math.Max(FirstCapacity, deleteCount * 2));
            Array.Resize(ref deletes, deleteKeys.Length);
        }
        deleteKeys[deleteCount] = number;
        deletes[deleteCount++] = new WalCachedDelete(range, Points);
        states[number].Deletes++;
        states[number].IsDeleted |= range == TimeRange.Everything;
    }

    /// <summary>Goes through the keys in the order of their bytes. The object is the same each time.</summary>
    public IEnumerable<WalCachedKey> Sort()
    {
        var count = keys.Count;
        var order = keys.Sort();
        var points = Group(pointKeys.AsSpan(0, Points), count, k => states[k].Points, out var pointStarts);
        var grouped = Group(deleteKeys.AsSpan(0, deleteCount), count, k => states[k].Deletes, out var deleteStarts);
        var cached = new WalCachedKey(times, values, text);
        foreach (var key in order)
        {
            cached.Load(
                keys[key], states[key].Type, points.AsSpan(pointStarts[key], states[key].Points), grouped.AsSpan(deleteStarts[key], states[key].Deletes), deletes);
            yield return cached;
        }
    }

    public void Clear()
    {
        states.AsSpan(0, keys.Count).Clear();
        keys.Clear();
        (Points, textLength, deleteCount) = (0, 0, 0);
    }

    /// <summary>The places of each key's items together, in the order in which they came.</summary>
    private static int[] Group(ReadOnlySpan<int> keyOf, int keyCount, Func<int, int> countOf, out int[] starts)
    {
        starts = new int[keyCount];
        for (var (key, start) = (0, 0); key < keyCount; key++)
        {
            starts[key] = start;
            start += countOf(key);
        }
        var places = new int[keyOf.Length];
        for (var i = 0; i < keyOf.Length; i++)
        {
            places[starts[keyOf[i]]++] = i;
        }
        // Each start has moved to the end of its key.
        for (var key = 0; key < keyCount; key++)
        {
            starts[key] -= countOf(key);
        }
        return places;
    }

    /// <summary>Keeps a string; where it lies and how long it is fit into a value.</summary>
    private long Store(ReadOnlySpan<byte> value)
    {
        if (text.Length - textLength < value.Length)
        {
            Array.Resize(ref text, Math.Max(checked(textLength + value.Length), (int)Math.Min(Array.MaxLength, text.Length * 2L)));
        }
        value.CopyTo(text.AsSpan(textLength));
        textLength += value.Length;
        return WalCachedKey.TextAt(textLength - value.Length, value.Length);
    }
}

/// <summary>A delete that waits.</summary>
/// <param name="Range">What it deletes.</param>
/// <param name="Points">How many points had come before it: of these, not of later ones.</param>
internal readonly record struct WalCachedDelete(TimeRange Range, int Points);
