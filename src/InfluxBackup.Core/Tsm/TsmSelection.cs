using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm;

/// <summary>What of a TSM file is wanted: some stretches of time of some series. Immutable.</summary>
public sealed class TsmSelection
{
    private readonly TimeRange[] leftOut;

    private TsmSelection(TimeRange[] leftOut, int slot, int slots)
    {
        this.leftOut = leftOut;
        Slot = slot;
        Slots = slots;
    }

    /// <summary>All of it.</summary>
    public static TsmSelection Everything { get; } = new([], 0, 1);

    /// <summary>These times of the series of one slot.</summary>
    /// <param name="times">The times, in any order; they may overlap.</param>
    /// <param name="slot">The slot of the series that are wanted.</param>
    /// <param name="slots">How many slots there are; with 1 all series are wanted.</param>
    public static TsmSelection Of(IEnumerable<TimeRange> times, int slot = 0, int slots = 1)
    {
        ArgumentNullException.ThrowIfNull(times);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, slots);
        var between = new List<TimeRange>();
        long? next = long.MinValue;
        foreach (var range in times.Where(t => t.Min <= t.Max).OrderBy(t => t.Min))
        {
            if (next is not { } start)
            {
                break;
            }
            if (range.Min > start)
            {
                between.Add(new TimeRange(start, range.Min - 1));
            }
            if (range.Max >= start)
            {
                next = range.Max == long.MaxValue ? null : range.Max + 1;
            }
        }
        if (next is { } rest)
        {
            between.Add(new TimeRange(rest, long.MaxValue));
        }
        return new TsmSelection([.. between], slot, slots);
    }

    public int Slot { get; }

    public int Slots { get; }

    public bool IsEverything => leftOut.Length == 0 && Slots == 1;

    /// <summary>The times that are not wanted: ascending, disjoint, not touching.</summary>
    public ReadOnlySpan<TimeRange> LeftOutTimes => leftOut;

    /// <summary>Whether the series of a composite key is among those that are wanted.</summary>
    public bool IncludesSeriesOf(ReadOnlySpan<byte> key) => Slots == 1 || SeriesSlot.Of(key, Slots) == Slot;

    /// <summary>
    /// The times of a key of which no point is wanted: those that are not selected, and those that are deleted.
    /// </summary>
    /// <param name="deleted">The key's deletes: ascending, disjoint, not touching.</param>
    /// <param name="joined">Room for the result, where there are both.</param>
    internal ReadOnlySpan<TimeRange> Without(ReadOnlySpan<TimeRange> deleted, List<TimeRange> joined)
    {
        if (leftOut.Length == 0 || deleted.IsEmpty)
        {
            return deleted.IsEmpty ? leftOut : deleted;
        }
        joined.Clear();
        var (i, j) = (0, 0);
        while (i < leftOut.Length || j < deleted.Length)
        {
            var range = j == deleted.Length || (i < leftOut.Length && leftOut[i].Min <= deleted[j].Min) ? leftOut[i++] : deleted[j++];
            if (joined.Count > 0 && (joined[^1].Max == long.MaxValue || range.Min <= joined[^1].Max + 1))
            {
                joined[^1] = new TimeRange(joined[^1].Min, Math.Max(joined[^1].Max, range.Max));
            }
            else
            {
                joined.Add(range);
            }
        }
        return CollectionsMarshal.AsSpan(joined);
    }
}
