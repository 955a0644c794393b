using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm;

/// <summary>
/// Takes the records of a tombstone file in any order and merges them. Whenever twice as many have come together as the last
/// merge left, they are sorted and merged again: so what waits is never more than what is there, at the price of a
/// sort for each doubling.
/// </summary>
/// <param name="smallestBatch">So many records wait at least.</param>
public sealed class TombstoneCollector(int smallestBatch = 64 << 10)
{
    private KeyPages keys = new();
    private List<Record> records = [];
    private int merged;
    private bool isInOrder = true;

    private readonly record struct Record(int KeyAt, ushort KeyLength, TimeRange Range);

    /// <summary>Takes one record. A range that ends before it begins deletes nothing.</summary>
    public void Add(ReadOnlySpan<byte> key, TimeRange range)
    {
        if (range.Min > range.Max)
        {
            return;
        }
        isInOrder = isInOrder && (records.Count == 0 || Follows(key, range, records[^1]));
        Append(key, range);
        if (records.Count >= Math.Max(smallestBatch, merged * 2L))
        {
            Merge();
            merged = records.Count;
        }
    }

    /// <summary>The deletes of the records so far. Nothing can be added afterwards.</summary>
    public TombstoneRanges Conclude()
    {
        Merge();
        var entries = new TombstoneRanges.Entry[CountKeys()];
        var ranges = new List<TimeRange>();
        var (previousAt, previousCount) = (0, 0);
        for (var (at, entry) = (0, 0); at < records.Count; entry++)
        {
            var first = records[at];
            var start = ranges.Count;
            for (; at < records.Count && records[at].KeyAt == first.KeyAt; at++)
            {
                ranges.Add(records[at].Range);
            }
            var added = CollectionsMarshal.AsSpan(ranges);
            if (added[start..].SequenceEqual(added.Slice(previousAt, previousCount)))
            {
                ranges.RemoveRange(start, ranges.Count - start);
            }
            else
            {
                (previousAt, previousCount) = (start, ranges.Count - start);
            }
            entries[entry] = new TombstoneRanges.Entry(first.KeyAt, previousAt, previousCount, first.KeyLength);
        }
        return new TombstoneRanges(keys, entries, [.. ranges]);
    }

    private void Append(ReadOnlySpan<byte> key, TimeRange range)
    {
        // Neighbours with the same key share its bytes; after a merge that tells keys apart by their place.
        var at = records.Count > 0 && KeyOf(records[^1]).SequenceEqual(key) ? records[^1].KeyAt : keys.Add(key);
        records.Add(new Record(at, (ushort)key.Length, range));
    }

    /// <summary>Keys in order, as a server writes those of one delete, need no sorting.</summary>
    private void Merge()
    {
        if (isInOrder)
        {
            return;
        }
        var (unmerged, unmergedKeys) = (records, keys);
        CollectionsMarshal.AsSpan(unmerged).Sort(Compare);
        (records, keys) = ([], new KeyPages());
        foreach (var record in unmerged)
        {
            var key = unmergedKeys.Get(record.KeyAt, record.KeyLength);
            if (records.Count > 0 && KeyOf(records[^1]).SequenceEqual(key) && Touches(records[^1].Range, record.Range))
            {
                var last = records[^1];
                records[^1] = last with { Range = new TimeRange(last.Range.Min, Math.Max(last.Range.Max, record.Range.Max)) };
            }
            else
            {
                Append(key, record.Range);
            }
        }
        isInOrder = true;
    }

    private bool Follows(ReadOnlySpan<byte> key, TimeRange range, Record last)
    {
        var order = KeyOf(last).SequenceCompareTo(key);
        return order < 0 || (order == 0 && last.Range.Min <= range.Min && !Touches(last.Range, range));
    }

    private int Compare(Record a, Record b)
    {
        var order = KeyOf(a).SequenceCompareTo(KeyOf(b));
        return order != 0 ? order : a.Range.Min.CompareTo(b.Range.Min);
    }

    private ReadOnlySpan<byte> KeyOf(Record record) => keys.Get(record.KeyAt, record.KeyLength);

    /// <summary>Whether a range that begins no earlier overlaps another or follows it without a gap.</summary>
    private static bool Touches(TimeRange earlier, TimeRange later) => earlier.Max == long.MaxValue || later.Min <= earlier.Max + 1;

    private int CountKeys()
    {
        var count = 0;
        for (var i = 0; i < records.Count; i++)
        {
            count += i == 0 || records[i].KeyAt != records[i - 1].KeyAt ? 1 : 0;
        }
        return count;
    }
}
