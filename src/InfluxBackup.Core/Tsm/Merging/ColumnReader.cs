namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// Reads one field of one series, from all files that have it, in ascending time: at equal times the newest file wins. Points
/// come in runs. Where only one file has points for a time, as is usual, they are those of its block and nothing is copied.
/// </summary>
internal sealed class ColumnReader : IDisposable
{
    /// <summary>Points that lie apart from those of other files are handed on without being copied if they are at least so many.</summary>
    private const int WorthOfItsOwn = 32;

    /// <summary>How many merged points are gathered at once.</summary>
    private const int MostGathered = 1000;
    private const int MostGatheredText = 256 << 10;

    private readonly List<BlockRun> pool = [];
    private readonly List<BlockRun> runs = [];
    private TsmPoints? gathered;
    private int poolUsed;

    /// <summary>Where the points of the current run are.</summary>
    public TsmPoints Points { get; private set; } = null!;

    /// <summary>The next point of the current run.</summary>
    public int From { get; private set; }

    /// <summary>Behind the last point of the current run.</summary>
    public int To { get; private set; }

    /// <summary>The column's number in its series.</summary>
    public int Number { get; private set; }

    public bool HasPoints => From < To;

    public ReadOnlySpan<long> Times => Points.Times[From..To];

    /// <summary>The time of the next point.</summary>
    public long Head => Points.Times[From];

    public void Start(int number, SeriesBatch batch, SeriesBatch.Column column, TimeRange times, BlockReader reader)
    {
        Number = number;
        Release();
        poolUsed = 0;
        From = To = 0;
        var blocks = batch.Blocks(column);
        for (var i = 0; i < blocks.Length;)
        {
            var first = i;
            while (++i < blocks.Length && blocks[i].Source == blocks[first].Source)
            {
            }
            if (poolUsed == pool.Count)
            {
                pool.Add(new BlockRun());
            }
            var run = pool[poolUsed++];
            run.Start(batch, column, first, i, times, reader);
            runs.Add(run);
        }
    }

    public void Skip(int count) => From += count;

    /// <summary>Makes sure that there are points. False at the end.</summary>
    public bool Load() => HasPoints || (runs.Count == 1 ? LoadOnly() : Merge());

    private bool LoadOnly()
    {
        var run = runs[0];
        if (!run.Load())
        {
            run.Release();
            return false;
        }
        (Points, From, To) = (run.Points, run.From, run.To);
        run.Skip(run.To - run.From);
        return true;
    }

    /// <summary>Takes what comes first from several files.</summary>
    private bool Merge()
    {
        gathered ??= new TsmPoints();
        var isGathering = false;
        while (FindFirst() is { } first)
        {
            // Others have nothing before this time; at this time they may have something newer or older.
            var limit = long.MaxValue;
            var isLimited = false;
            foreach (var other in runs)
            {
                if (other != first && other.Head <= limit)
                {
                    (limit, isLimited) = (other.Head, true);
                }
            }
            var times = first.Points.Times[first.From..first.To];
            var count = isLimited ? TimeSearch.FirstAtOrAfter(times, limit) : times.Length;
            var winner = first;
            var winnerCount = count;
            if (count == 0)
            {
                // The same time in more than one file: one point, and the older ones are passed over.
                winner = TakeNewest(first.Head);
                winnerCount = 1;
            }
            else if (!isGathering && count >= WorthOfItsOwn)
            {
                (Points, From, To) = (first.Points, first.From, first.From + count);
                first.Skip(count);
                return true;
            }
            if (!isGathering)
            {
                gathered.Clear(winner.Points.Type);
                isGathering = true;
            }
            else if (winner.Points.Type != gathered.Type || (count >= WorthOfItsOwn && gathered.Count > 0) || gathered.Count >= MostGathered || gathered.GatheredText >= MostGatheredText)
            {
                // They go out first; what was found is found again.
                break;
            }
            gathered.Append(winner.Points, winner.From, winnerCount);
            Pass(winner, winnerCount, count == 0);
        }
        if (!isGathering)
        {
            return false;
        }
        (Points, From, To) = (gathered, 0, gathered.Count);
        return true;
    }

    /// <summary>The file with the smallest next time, with its points loaded; null at the end.</summary>
    private BlockRun? FindFirst()
    {
        while (true)
        {
            for (var i = runs.Count - 1; i >= 0; i--)
            {
                if (!runs[i].MayHaveMore)
                {
                    runs[i].Release();
                    runs.RemoveAt(i);
                }
            }
            BlockRun? first = null;
            foreach (var run in runs)
            {
                if (first is null || run.Head < first.Head)
                {
                    first = run;
                }
            }
            if (first is null)
            {
                return null;
            }
            if (first.HasPoints)
            {
                return first;
            }
            // What was a lower bound becomes exact, and may not be the smallest any more.
            if (!first.Load())
            {
                first.Release();
                runs.Remove(first);
            }
        }
    }

    /// <summary>Of all files with a point at this time the newest. Loads those that may have one.</summary>
    private BlockRun TakeNewest(long time)
    {
        BlockRun? newest = null;
        foreach (var run in runs)
        {
            while (run.MayHaveMore && run.Head <= time && !run.HasPoints)
            {
                if (!run.Load())
                {
                    break;
                }
            }
            if (run.HasPoints && run.Head == time && (newest is null || run.Source > newest.Source))
            {
                newest = run;
            }
        }
        return newest!;
    }

    private void Pass(BlockRun winner, int count, bool isShared)
    {
        if (!isShared)
        {
            winner.Skip(count);
            return;
        }
        var time = winner.Head;
        foreach (var run in runs)
        {
            if (run.HasPoints && run.Head == time)
            {
                run.Skip(1);
            }
        }
    }

    private void Release()
    {
        runs.ForEach(run => run.Release());
        runs.Clear();
    }

    public void Dispose()
    {
        Release();
        gathered?.Dispose();
    }
}
