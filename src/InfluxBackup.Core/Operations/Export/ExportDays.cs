using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>Plans an export by days: which shards have points of which day.</summary>
internal static class ExportDays
{
    private const long Day = 86_400_000_000_000;

    /// <summary>Shards longer than this are looked into: their days with points are few beside those without.</summary>
    private const long LongestSureRange = 31 * Day;

    /// <summary>So are blocks: a thousand points may lie in a hundred years.</summary>
    private const long LongestSureBlock = 64 * Day;

    /// <summary>Units in the order database, policy, day, shard.</summary>
    public static async Task<List<ExportUnit>> PlanAsync(IReadOnlyList<ExportShard> shards, ExportOptions options, CancellationToken cancel)
    {
        var units = new List<ExportUnit>();
        foreach (var shard in shards)
        {
            var days = shard.Description is { } known && known.Start < known.End && (Int128)known.End - known.Start <= LongestSureRange
                ? Days(new TimeRange(known.Start, known.End - 1), options.Times)
                : await ReadDaysAsync(shard, options, cancel).ConfigureAwait(false);
            units.AddRange(days?.Select(day => Unit(shard, day, options.Times)) ?? [Whole(shard, options.Times)]);
        }

        return [.. units
            .OrderBy(u => u.Shard.Key.Database, StringComparer.Ordinal)
            .ThenBy(u => u.Shard.Key.RetentionPolicy, StringComparer.Ordinal)
            .ThenBy(u => u.File.Day)
            .ThenBy(u => u.Shard.Key.Id)];
    }

    private static IEnumerable<long> Days(TimeRange times, TimeRange wanted)
    {
        var last = FloorDay(Math.Min(times.Max, wanted.Max));
        for (var day = FloorDay(Math.Max(times.Min, wanted.Min)); day <= last; day++)
        {
            yield return day;
        }
    }

    /// <summary>The days that blocks of the shard touch, and of blocks that last for long those that have points. Null where the shard can't be read and may be left out.</summary>
    private static async Task<IEnumerable<long>?> ReadDaysAsync(ExportShard shard, ExportOptions options, CancellationToken cancel)
    {
        try
        {
            // What is left out is told by the run, which opens the shard again.
            using var local = await options.Source.OpenAsync(shard, options, options.AllowPartial ? static _ => { } : null, cancel).ConfigureAwait(false);
            var days = new SortedSet<long>();
            using var points = new TsmPoints();
            foreach (var source in local.Sources)
            {
                using var index = source.File.ReadIndex();
                while (index.ReadKey())
                {
                    while (index.ReadEntry(out var entry))
                    {
                        cancel.ThrowIfCancellationRequested();
                        days.UnionWith(Days(source.File, index, entry, points, options.Times));
                    }
                }
            }

            return days;
        }
        catch (TsmFormatException e)
        {
            throw ExportErrors.Damaged(shard.Key, e);
        }
        catch (InfluxBackupException e) when (options.AllowPartial && ExportErrors.CanBeLeftOut(e))
        {
            return null;
        }
    }

    private static IEnumerable<long> Days(TsmFile file, TsmIndexReader index, TsmIndexEntry entry, TsmPoints points, TimeRange wanted)
    {
        var range = new TimeRange(entry.MinTime, entry.MaxTime);
        if ((Int128)range.Max - range.Min <= LongestSureBlock || !range.Overlaps(wanted))
        {
            return Days(range, wanted);
        }

        if (entry.FitsIn(index.Start) && entry.BlockSize <= TsmFormat.MaxBlockSize)
        {
            try
            {
                var block = new byte[entry.BlockSize];
                file.Read(entry.BlockOffset, block);
                points.Decode(block);
                return points.Times.ToArray().Where(wanted.Contains).Select(FloorDay).Distinct();
            }
            catch (TsmFormatException)
            {
                // The run will come to it and tell of it, or end with it, if one of its days is looked at.
            }
        }

        return [FloorDay(Math.Max(range.Min, wanted.Min)), FloorDay(Math.Min(range.Max, wanted.Max))];
    }

    /// <summary>A shard that can't be read now: the run comes to it and tells of it, or can read it then, and nothing is lost.</summary>
    private static ExportUnit Whole(ExportShard shard, TimeRange wanted) =>
        new(shard, new ExportFileKey(shard.Key.Database, shard.Key.RetentionPolicy, null, null), wanted);

    private static ExportUnit Unit(ExportShard shard, long day, TimeRange wanted)
    {
        var start = (Int128)day * Day;
        var times = new TimeRange(
            Math.Max(wanted.Min, (long)Int128.Max(start, long.MinValue)),
            Math.Min(wanted.Max, (long)Int128.Min(start + Day - 1, long.MaxValue)));
        var date = DateOnly.FromDateTime(DateTime.UnixEpoch.AddDays(day));
        return new ExportUnit(shard, new ExportFileKey(shard.Key.Database, shard.Key.RetentionPolicy, null, date), times);
    }

    private static long FloorDay(long time) => Math.DivRem(time, Day) is var (quotient, remainder) && remainder < 0 ? quotient - 1 : quotient;
}
