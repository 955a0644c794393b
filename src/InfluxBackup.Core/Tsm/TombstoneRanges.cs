namespace InfluxBackup.Tsm;

/// <summary>
/// The deletes of one TSM file, to be looked up key by key: each key once, its ranges of time merged. Any number of threads may
/// ask at once.
/// </summary>
/// <remarks>
/// Memory, with n different keys of L bytes on average: n × (L + 16) bytes, and 16 bytes for each range; neighbouring keys with the
/// same ranges, as one delete leaves them, share them. While the file is read it is n × (L + 80) bytes where the keys come in order, as
/// from one delete, and n × (3 L + 130) at most, however often the file repeats itself: 130 and 280 MB for a million keys of 50 bytes.
/// </remarks>
public sealed class TombstoneRanges
{
    private readonly KeyPages keys;
    private readonly Entry[] entries;
    private readonly TimeRange[] ranges;

    internal TombstoneRanges(KeyPages keys, Entry[] entries, TimeRange[] ranges) =>
        (this.keys, this.entries, this.ranges) = (keys, entries, ranges);

    private TombstoneRanges(TombstoneRanges other)
        : this(other.keys, other.entries, other.ranges)
    {
    }

    /// <summary>Where a key lies, and where its ranges do.</summary>
    internal readonly record struct Entry(int KeyAt, int RangesAt, int RangeCount, ushort KeyLength);

    /// <summary>No deletes at all.</summary>
    public static TombstoneRanges None { get; } = new(new KeyPages(), [], []);

    /// <summary>How many keys have deletes.</summary>
    public int Keys => entries.Length;

    public bool IsEmpty => entries.Length == 0;

    /// <summary>How many records the file had.</summary>
    public long Records { get; private init; }

    /// <summary>Set if the file ends in the middle of something; see <see cref="TombstoneFile.Warning"/>.</summary>
    public string? Warning { get; private init; }

    /// <summary>
    /// Reads a tombstone file to its end. Throws <see cref="TsmFormatException"/> if it is damaged; of one that is cut the
    /// whole records are taken, as the server does, and <see cref="Warning"/> says so.
    /// </summary>
    public static TombstoneRanges Load(TombstoneFile file, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(file);
        var collector = new TombstoneCollector();
        while (file.Read())
        {
            if (file.Records % 1024 == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            collector.Add(file.Key, new TimeRange(file.MinTime, file.MaxTime));
        }
        return new TombstoneRanges(collector.Conclude()) { Records = file.Records, Warning = file.Warning };
    }

    /// <summary>What is deleted of a composite key: ascending, disjoint, not even touching. Empty where nothing is.</summary>
    public ReadOnlySpan<TimeRange> Find(ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, entries.Length - 1);
        while (low <= high)
        {
            var middle = (int)(((uint)low + (uint)high) / 2);
            ref readonly var entry = ref entries[middle];
            var order = keys.Get(entry.KeyAt, entry.KeyLength).SequenceCompareTo(key);
            if (order == 0)
            {
                return ranges.AsSpan(entry.RangesAt, entry.RangeCount);
            }
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return [];
    }
}
