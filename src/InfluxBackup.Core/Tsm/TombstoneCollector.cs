using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm;

/// <summary>
/// Takes the records of a tombstone file in any order and merges them. Records wait in a batch; a full one is sorted and merged with what is
/// there, or put behind it where the keys go on in order, as a server writes those of one delete. Batches grow with the number of keys,
/// so that the merges together cost no more than a few passes.
/// </summary>
/// <param name="smallestBatch">So many records wait at least.</param>
public sealed class TombstoneCollector(int smallestBatch = 64 << 10)
{
    /// <summary>Bytes of keys in a batch.</summary>
    private const int LargestBatch = 16 << 20;

    private readonly List<Record> batch = [];
    private readonly List<TimeRange> merged = [];
    private DeletedKeys keys = new();
    private KeyPages batchKeys = new();
    private bool isSorted = true;

    private readonly record struct Record(int KeyAt, ushort KeyLength, TimeRange Range);

    /// <summary>Takes one record. A range that ends before it begins deletes nothing.</summary>
    public void Add(ReadOnlySpan<byte> key, TimeRange range)
    {
        if (range.Min > range.Max)
        {
            return;
        }
        var order = batch.Count == 0 ? 1 : key.SequenceCompareTo(KeyOf(batch[^1]));
        isSorted = isSorted && (order > 0 || (order == 0 && range.Min >= batch[^1].Range.Min));
        // Neighbours with the same key share its bytes.
        batch.Add(new Record(order == 0 ? batch[^1].KeyAt : batchKeys.Add(key), (ushort)key.Length, range));
        if (batch.Count >= Math.Max(smallestBatch, keys.Size / 4) || batchKeys.Bytes >= LargestBatch)
        {
            Merge();
        }
    }

    /// <summary>The deletes of the records so far.</summary>
    public TombstoneRanges Conclude()
    {
        Merge();
        var result = new TombstoneRanges(keys);
        keys = new DeletedKeys();
        return result;
    }

    private void Merge()
    {
        if (batch.Count == 0)
        {
            return;
        }
        if (!isSorted)
        {
            CollectionsMarshal.AsSpan(batch).Sort(Compare);
        }
        var at = 0;
        if (keys.Count == 0 || keys.Last.SequenceCompareTo(KeyOf(batch[0])) < 0)
        {
            AddRest(keys, ref at);
        }
        else
        {
            keys = MergeWith(keys);
        }
        batch.Clear();
        batchKeys = new KeyPages();
        isSorted = true;
    }

    private DeletedKeys MergeWith(DeletedKeys old)
    {
        var result = new DeletedKeys();
        var at = 0;
        for (var walk = old.WalkAll(); walk.Read();)
        {
            var order = 1;
            while (at < batch.Count && (order = KeyOf(batch[at]).SequenceCompareTo(walk.Key)) < 0)
            {
                result.Add(KeyOf(batch[at]), TakeRanges(ref at, []));
            }
            result.Add(walk.Key, at < batch.Count && order == 0 ? TakeRanges(ref at, walk.Ranges) : walk.Ranges);
        }
        AddRest(result, ref at);
        return result;
    }

    private void AddRest(DeletedKeys result, ref int at)
    {
        while (at < batch.Count)
        {
            var key = KeyOf(batch[at]);
            result.Add(key, TakeRanges(ref at, []));
        }
    }

    /// <summary>The ranges of the batch's next key and others of the same key, merged; goes on behind that key.</summary>
    private ReadOnlySpan<TimeRange> TakeRanges(ref int at, ReadOnlySpan<TimeRange> others)
    {
        merged.Clear();
        merged.AddRange(others);
        var key = KeyOf(batch[at]);
        for (; at < batch.Count && KeyOf(batch[at]).SequenceEqual(key); at++)
        {
            merged.Add(batch[at].Range);
        }
        var ranges = CollectionsMarshal.AsSpan(merged);
        ranges.Sort((a, b) => a.Min.CompareTo(b.Min));
        var count = 0;
        foreach (var range in ranges)
        {
            if (count > 0 && Touches(ranges[count - 1], range))
            {
                ranges[count - 1] = new TimeRange(ranges[count - 1].Min, Math.Max(ranges[count - 1].Max, range.Max));
            }
            else
            {
                ranges[count++] = range;
            }
        }
        return ranges[..count];
    }

    private int Compare(Record a, Record b)
    {
        var order = KeyOf(a).SequenceCompareTo(KeyOf(b));
        return order != 0 ? order : a.Range.Min.CompareTo(b.Range.Min);
    }

    private ReadOnlySpan<byte> KeyOf(Record record) => batchKeys.Get(record.KeyAt, record.KeyLength);

    /// <summary>Whether a range that begins no earlier overlaps another or follows it without a gap.</summary>
    private static bool Touches(TimeRange earlier, TimeRange later) => earlier.Max == long.MaxValue || later.Min <= earlier.Max + 1;
}
