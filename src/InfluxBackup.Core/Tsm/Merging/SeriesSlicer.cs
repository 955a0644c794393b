namespace InfluxBackup.Tsm.Merging;

/// <summary>Cuts a long series into slices of time, so that several threads can work on it.</summary>
internal static class SeriesSlicer
{
    /// <summary>
    /// Slices that together are the series, in ascending time. The cuts are where blocks of its longest column begin: fields
    /// written together have their blocks there too, and few blocks lie in two slices. Those that do are read twice, and each
    /// slice takes its points of them.
    /// </summary>
    public static IEnumerable<SeriesBatch> Cut(SeriesBatch batch, SeriesBatch.Series series, int slices)
    {
        var cuts = FindCuts(batch, series, slices);
        var columns = batch.Columns(series).ToArray();

        // Where each column's run of blocks of one file stands: blocks before it end before the slice.
        var runs = new List<Run>();
        for (var column = 0; column < columns.Length; column++)
        {
            var blocks = batch.Blocks(columns[column]);
            for (var i = 0; i < blocks.Length;)
            {
                var start = i;
                while (++i < blocks.Length && blocks[i].Source == blocks[start].Source)
                {
                }
                runs.Add(new Run { Column = column, Next = start, End = i });
            }
        }

        for (var cut = 0; cut <= cuts.Count; cut++)
        {
            var times = new TimeRange(
                cut == 0 ? series.Times.Min : cuts[cut - 1],
                cut == cuts.Count ? series.Times.Max : cuts[cut] - 1);
            var slice = TakeSlice(batch, columns, runs, times);
            if (slice.ColumnCount > 0)
            {
                slice.AddSeries(series.KeyLength, 0, times);
                yield return slice;
            }
        }
    }

    private static SeriesBatch TakeSlice(SeriesBatch batch, SeriesBatch.Column[] columns, List<Run> runs, TimeRange times)
    {
        var slice = new SeriesBatch();
        var run = 0;
        for (var column = 0; column < columns.Length; column++)
        {
            var blocks = batch.Blocks(columns[column]);
            var firstBlock = slice.BlockCount;
            for (; run < runs.Count && runs[run].Column == column; run++)
            {
                var at = runs[run];
                while (at.Next < at.End && blocks[at.Next].Entry.MaxTime < times.Min)
                {
                    at.Next++;
                }
                for (var i = at.Next; i < at.End && blocks[i].Entry.MinTime <= times.Max; i++)
                {
                    slice.AddBlock(blocks[i]);
                }
            }
            if (slice.BlockCount > firstBlock)
            {
                slice.AddColumn(batch.Key(columns[column]), firstBlock);
            }
        }
        return slice;
    }

    /// <summary>Beginnings of blocks, ascending, all inside the series' times and none at their start.</summary>
    private static List<long> FindCuts(SeriesBatch batch, SeriesBatch.Series series, int slices)
    {
        var longest = default(SeriesBatch.Column);
        foreach (var column in batch.Columns(series))
        {
            longest = column.BlockCount > longest.BlockCount ? column : longest;
        }
        var starts = new List<long>(longest.BlockCount);
        foreach (var block in batch.Blocks(longest))
        {
            if (block.Entry.MinTime > series.Times.Min)
            {
                starts.Add(block.Entry.MinTime);
            }
        }
        starts.Sort();
        var cuts = new List<long>();
        var step = Math.Max(1, starts.Count / slices);
        for (var i = step; i < starts.Count; i += step)
        {
            if (cuts.Count == 0 || starts[i] > cuts[^1])
            {
                cuts.Add(starts[i]);
            }
        }
        return cuts;
    }

    private sealed class Run
    {
        public int Column { get; init; }

        public int Next { get; set; }

        public int End { get; init; }
    }
}
