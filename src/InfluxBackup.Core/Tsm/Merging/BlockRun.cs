namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// The blocks of one column in one file, as a sequence of windows of points that are wanted: inside the times that were asked
/// for, and not deleted.
/// </summary>
internal sealed class BlockRun
{
    private SeriesBatch batch = null!;
    private SeriesBatch.Column column;
    private BlockReader reader = null!;
    private TimeRange wanted;
    private int next;
    private int last;
    private int blockEnd;
    private TsmPoints? points;

    /// <summary>The points of the block at hand, where one has been read.</summary>
    public TsmPoints Points => points!;

    /// <summary>The first wanted point.</summary>
    public int From { get; private set; }

    /// <summary>Behind the last wanted point; more may follow in the block.</summary>
    public int To { get; private set; }

    /// <summary>The file; the greater the newer.</summary>
    public int Source { get; private set; }

    public bool HasPoints => From < To;

    /// <summary>No wanted point is left before this time; exact if there are points at hand, a lower bound if not.</summary>
    public long Head => HasPoints ? Points.Times[From] : From < blockEnd ? Points.Times[From] : Math.Max(wanted.Min, batch.Blocks(column)[next].Entry.MinTime);

    public void Start(SeriesBatch batch, SeriesBatch.Column column, int first, int last, TimeRange wanted, BlockReader reader)
    {
        (this.batch, this.column, this.wanted, this.reader) = (batch, column, wanted, reader);
        (next, this.last) = (first, last);
        From = To = blockEnd = 0;
        Source = batch.Blocks(column)[first].Source;
    }

    /// <summary>Whether there may be more: points at hand, the rest of a block, or blocks not yet read.</summary>
    public bool MayHaveMore => From < blockEnd || next < last;

    public void Skip(int count) => From += count;

    /// <summary>Makes sure that there are points at hand. False at the end.</summary>
    public bool Load()
    {
        while (!HasPoints)
        {
            if (From < blockEnd)
            {
                FindWindow();
            }
            else if (!ReadBlock())
            {
                return false;
            }
        }
        return true;
    }

    private bool ReadBlock()
    {
        while (next < last)
        {
            points ??= reader.RentPoints();
            var block = batch.Blocks(column)[next++];
            if (!reader.TryRead(block, batch.Key(column), Points))
            {
                continue;
            }
            var times = Points.Times;
            From = To = times[0] >= wanted.Min ? 0 : TimeSearch.FirstAtOrAfter(times, wanted.Min);
            blockEnd = times[^1] <= wanted.Max ? times.Length : TimeSearch.FirstAfter(times, wanted.Max);
            return true;
        }
        return false;
    }

    /// <summary>The next stretch of the block without deleted points. May be none.</summary>
    private void FindWindow()
    {
        To = blockEnd;
        var deletes = reader.Deletes(Source);
        if (deletes.IsEmpty)
        {
            return;
        }
        var times = Points.Times[..blockEnd];
        var ranges = deletes.Find(batch.Key(column));
        for (var i = FirstEndingAtOrAfter(ranges, times[From]); i < ranges.Length && From < blockEnd; i++)
        {
            if (ranges[i].Min > times[From])
            {
                To = TimeSearch.FirstAtOrAfter(times, ranges[i].Min);
                return;
            }
            From = TimeSearch.FirstAfter(times, ranges[i].Max);
        }
    }

    private static int FirstEndingAtOrAfter(ReadOnlySpan<TimeRange> ranges, long time)
    {
        var (low, high) = (0, ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = ranges[middle].Max < time ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    /// <summary>Gives back the room for the points, of which none is needed any more.</summary>
    public void Release()
    {
        if (points is not null)
        {
            reader.ReturnPoints(points);
            points = null;
        }
    }
}

/// <summary>Searches in ascending times.</summary>
internal static class TimeSearch
{
    /// <summary>Index of the first time at or after <paramref name="time"/>; the length if there is none.</summary>
    public static int FirstAtOrAfter(ReadOnlySpan<long> times, long time)
    {
        var index = times.BinarySearch(time);
        return index < 0 ? ~index : index;
    }

    /// <summary>Index of the first time after <paramref name="time"/>; the length if there is none.</summary>
    public static int FirstAfter(ReadOnlySpan<long> times, long time)
    {
        var index = times.BinarySearch(time);
        return index < 0 ? ~index : index + 1;
    }
}
