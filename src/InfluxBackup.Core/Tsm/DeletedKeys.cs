using System.Numerics;
using System.Runtime.InteropServices;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tsm;

/// <summary>
/// Ascending keys, each with ranges of time, in little memory: neighbours are mostly alike, so a key is stored as what differs from
/// the one before it. Every sixteenth, and the first of a page, is whole; a search begins among those.
/// <code>
/// entry:  shared │ length │ rest of the key │ first range │ ranges          numbers as uvarint
/// </code>
/// <c>shared</c> bytes are those of the key before; <c>first range</c> is a place in one list of all ranges. Neighbours with the same
/// ranges, as one delete leaves them, share them.
/// </summary>
internal sealed class DeletedKeys
{
    private const int WholeEvery = 16;
    private const int PageBits = 20;
    private const int PageSize = 1 << PageBits;
    private const int FirstPageSize = 4 << 10;

    /// <summary>The last page would end at 2^31.</summary>
    private const int MostPages = (1 << (31 - PageBits)) - 1;

    /// <summary>Four numbers below 2^31.</summary>
    private const int MostOverhead = 4 * 5;

    private readonly List<byte[]> pages = [];
    private readonly List<int> pageEnds = [];
    private readonly List<int> wholes = [];
    private readonly List<TimeRange> ranges = [];
    private byte[] last = [];
    private int lastLength;
    private int sinceWhole;
    private (int At, int Count) lastRanges;

    public int Count { get; private set; }

    /// <summary>Keys and ranges together: what a merge has to do.</summary>
    public long Size => (long)Count + ranges.Count;

    /// <summary>The greatest key so far.</summary>
    public ReadOnlySpan<byte> Last => last.AsSpan(0, lastLength);

    /// <summary>Adds a key that is greater than all before it, with its merged ranges.</summary>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<TimeRange> deleted)
    {
        StoreRanges(deleted);
        var isWhole = EnsureRoom(key.Length + MostOverhead) || sinceWhole == WholeEvery;
        if (isWhole)
        {
            wholes.Add(((pages.Count - 1) << PageBits) + pageEnds[^1]);
            sinceWhole = 0;
        }
        sinceWhole++;
        var shared = isWhole ? 0 : Last.CommonPrefixLength(key);
        var entry = pages[^1].AsSpan(pageEnds[^1]);
        var length = Uvarint.Write(entry, (ulong)shared);
        length += Uvarint.Write(entry[length..], (ulong)(key.Length - shared));
        key[shared..].CopyTo(entry[length..]);
        length += key.Length - shared;
        length += Uvarint.Write(entry[length..], (ulong)lastRanges.At);
        length += Uvarint.Write(entry[length..], (ulong)lastRanges.Count);
        pageEnds[^1] += length;
        StoreLast(key);
        Count++;
    }

    /// <summary>The ranges of a key; none where it is not here.</summary>
    public ReadOnlySpan<TimeRange> Find(ReadOnlySpan<byte> key)
    {
        // The last whole key that is not greater.
        var (low, high) = (0, wholes.Count - 1);
        while (low <= high)
        {
            var middle = (int)(((uint)low + (uint)high) / 2);
            (low, high) = EntryAt(wholes[middle]).Rest.SequenceCompareTo(key) <= 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return high < 0 ? [] : Scan(high, key);
    }

    /// <summary>All keys in order.</summary>
    public Walk WalkAll() => new(this);

    /// <summary>
    /// Looks from one whole key to the next. The key before is always smaller than the one that is sought and has its
    /// first <c>match</c> bytes; how many of them the next key shares mostly decides without a look at its bytes.
    /// </summary>
    private ReadOnlySpan<TimeRange> Scan(int whole, ReadOnlySpan<byte> key)
    {
        var match = 0;
        var end = EndOf(whole);
        for (var at = wholes[whole]; at < end;)
        {
            var entry = EntryAt(at);
            at += entry.Size;
            if (entry.Shared > match)
            {
                // Like the key before, it is smaller where that one is.
                continue;
            }
            var sought = key[match..];
            var common = sought.CommonPrefixLength(entry.Rest);
            if (entry.Shared < match || common == sought.Length || (common < entry.Rest.Length && entry.Rest[common] > sought[common]))
            {
                return entry.Shared == match && common == sought.Length && common == entry.Rest.Length ? RangesOf(entry) : [];
            }
            match += common;
        }
        return [];
    }

    /// <summary>Where the keys that build on a whole key end: at the next whole one, or with the page.</summary>
    private int EndOf(int whole)
    {
        var page = wholes[whole] >> PageBits;
        return whole + 1 < wholes.Count && wholes[whole + 1] >> PageBits == page ? wholes[whole + 1] : (page << PageBits) + pageEnds[page];
    }

    private Entry EntryAt(int at)
    {
        var rest = pages[at >> PageBits].AsSpan(at & (PageSize - 1));
        ReadOnlySpan<byte> left = rest;
        var shared = Take(ref left);
        var length = Take(ref left);
        var key = left[..length];
        left = left[length..];
        return new Entry(shared, key, Take(ref left), Take(ref left), rest.Length - left.Length);
    }

    private static int Take(ref ReadOnlySpan<byte> bytes) =>
        Uvarint.TryTake(ref bytes, out var value) ? (int)value : throw new InvalidOperationException("The table of deleted keys is broken.");

    private ReadOnlySpan<TimeRange> RangesOf(Entry entry) => CollectionsMarshal.AsSpan(ranges).Slice(entry.RangesAt, entry.RangeCount);

    private void StoreRanges(ReadOnlySpan<TimeRange> deleted)
    {
        if (!deleted.SequenceEqual(CollectionsMarshal.AsSpan(ranges).Slice(lastRanges.At, lastRanges.Count)))
        {
            lastRanges = (ranges.Count, deleted.Length);
            ranges.AddRange(deleted);
        }
    }

    /// <summary>Makes room in the last page, or a new one; true for a new one.</summary>
    private bool EnsureRoom(int size)
    {
        if (pages.Count == 0 || pageEnds[^1] + size > PageSize)
        {
            if (pages.Count == MostPages)
            {
                throw new TsmFormatException("There are more deleted keys than a TSM file can have: they take 2 GiB.");
            }
            pages.Add(new byte[pages.Count > 0 ? PageSize : Math.Max(FirstPageSize, size)]);
            pageEnds.Add(0);
            return true;
        }
        if (pageEnds[^1] + size > pages[^1].Length)
        {
            var page = pages[^1];
            Array.Resize(ref page, Math.Min(PageSize, Math.Max(pageEnds[^1] + size, page.Length * 2)));
            pages[^1] = page;
        }
        return false;
    }

    private void StoreLast(ReadOnlySpan<byte> key)
    {
        if (last.Length < key.Length)
        {
            last = new byte[BitOperations.RoundUpToPowerOf2((uint)key.Length)];
        }
        key.CopyTo(last);
        lastLength = key.Length;
    }

    private readonly ref struct Entry(int shared, ReadOnlySpan<byte> rest, int rangesAt, int rangeCount, int size)
    {
        public readonly int Shared = shared;
        public readonly ReadOnlySpan<byte> Rest = rest;
        public readonly int RangesAt = rangesAt;
        public readonly int RangeCount = rangeCount;
        public readonly int Size = size;
    }

    /// <summary>Reads all keys from the first to the last.</summary>
    public sealed class Walk(DeletedKeys keys)
    {
        private readonly byte[] key = new byte[TsmFormat.MaxKeyLength];
        private int keyLength;
        private int whole = -1;
        private int at;
        private int end;
        private int rangesAt;
        private int rangeCount;

        /// <summary>Valid until the next call of <see cref="Read"/>.</summary>
        public ReadOnlySpan<byte> Key => key.AsSpan(0, keyLength);

        public ReadOnlySpan<TimeRange> Ranges => CollectionsMarshal.AsSpan(keys.ranges).Slice(rangesAt, rangeCount);

        public bool Read()
        {
            if (at == end)
            {
                if (++whole >= keys.wholes.Count)
                {
                    return false;
                }
                (at, end) = (keys.wholes[whole], keys.EndOf(whole));
            }
            var entry = keys.EntryAt(at);
            at += entry.Size;
            entry.Rest.CopyTo(key.AsSpan(entry.Shared));
            keyLength = entry.Shared + entry.Rest.Length;
            (rangesAt, rangeCount) = (entry.RangesAt, entry.RangeCount);
            return true;
        }
    }
}
