using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>
/// Numbers the keys of a run from zero, in the order in which they come, and finds the number of a key again. Without an object for
/// each key: a million keys of 50 bytes take some 70 to 90 MB.
/// </summary>
internal sealed class WalKeys
{
    private const int FirstCapacity = 256;

    private readonly KeyPages pages = new();
    private int[] buckets = new int[FirstCapacity];
    private Entry[] entries = new Entry[FirstCapacity];

    /// <param name="At">Where the key lies in the pages.</param>
    /// <param name="Next">One more than the number of the next key in the same bucket; 0 after the last.</param>
    private readonly record struct Entry(int At, int Hash, int Next, ushort Length);

    public int Count { get; private set; }

    /// <summary>Bytes of all keys together.</summary>
    public long Length { get; private set; }

    public ReadOnlySpan<byte> this[int number] => pages.Get(entries[number].At, entries[number].Length);

    /// <summary>The number of a key; -1 if it has none.</summary>
    public int Find(ReadOnlySpan<byte> key) => Find(key, HashOf(key));

    /// <summary>The number of a key, which gets one if it has none.</summary>
    public int Intern(ReadOnlySpan<byte> key)
    {
        var hash = HashOf(key);
        var number = Find(key, hash);
        if (number >= 0)
        {
            return number;
        }
        if (Count == entries.Length)
        {
            Grow();
        }
        ref var bucket = ref buckets[hash & (buckets.Length - 1)];
        entries[Count] = new Entry(pages.Add(key), hash, bucket, (ushort)key.Length);
        bucket = ++Count;
        Length += key.Length;
        return Count - 1;
    }

    /// <summary>The numbers of all keys, in the order of their bytes.</summary>
    public int[] Sort()
    {
        var numbers = new int[Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = i;
        }
        numbers.AsSpan().Sort((a, b) => this[a].SequenceCompareTo(this[b]));
        return numbers;
    }

    public void Clear()
    {
        pages.Clear();
        buckets.AsSpan().Clear();
        (Count, Length) = (0, 0);
    }

    private int Find(ReadOnlySpan<byte> key, int hash)
    {
        for (var next = buckets[hash & (buckets.Length - 1)]; next > 0; next = entries[next - 1].Next)
        {
            if (entries[next - 1].Hash == hash && this[next - 1].SequenceEqual(key))
            {
                return next - 1;
            }
        }
        return -1;
    }

    private void Grow()
    {
        Array.Resize(ref entries, entries.Length * 2);
        buckets = new int[entries.Length];
        for (var i = 0; i < Count; i++)
        {
            ref var bucket = ref buckets[entries[i].Hash & (buckets.Length - 1)];
            entries[i] = entries[i] with { Next = bucket };
            bucket = i + 1;
        }
    }

    /// <summary>The runtime seeds this by chance: keys can't be chosen so that they share a bucket.</summary>
    private static int HashOf(ReadOnlySpan<byte> key)
    {
        var hash = new HashCode();
        hash.AddBytes(key);
        return hash.ToHashCode();
    }
}
