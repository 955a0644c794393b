using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Operations;

/// <summary>
/// Finds one real point in each of several stretches of time of a shard: a server makes a shard group when a point of its time is written.
/// The point is what the server would show, of all files and without what is deleted. Reads no further than to the last stretch that has one.
/// </summary>
internal static class GroupPoints
{
    private const int LineRoom = 256;

    /// <summary>What was found.</summary>
    /// <param name="Points">One for each stretch that has any.</param>
    /// <param name="TooOld">The first stretch that has points, but only such as the policy refuses.</param>
    public sealed record Found(IReadOnlyList<SamplePoint> Points, TimeRange? TooOld);

    /// <summary>Looks for points.</summary>
    /// <param name="shard">The shard, for messages.</param>
    /// <param name="sources">Its files, oldest first, with their deletes.</param>
    /// <param name="windows">Where, ascending.</param>
    /// <param name="oldest">Points before this are refused by the policy; null where it keeps everything.</param>
    /// <param name="cancel">Asked at each batch.</param>
    public static Found Find(ShardKey shard, IReadOnlyList<MergeSource> sources, IReadOnlyList<TimeRange> windows, long? oldest, CancellationToken cancel)
    {
        var found = new SamplePoint?[windows.Count];
        var tooOld = new bool[windows.Count];
        var open = windows.Count;
        if (open == 0 || sources.Count == 0)
        {
            return new Found([], null);
        }

        var options = new MergeOptions { Times = new TimeRange(windows[0].Min, windows[^1].Max), IncludesField = PointLine.CanWrite };
        try
        {
            using var planner = new BatchPlanner(sources, options);
            using var reader = new SeriesReader(sources, options);
            while (open > 0 && planner.Next(cancel) is { } batch)
            {
                cancel.ThrowIfCancellationRequested();
                reader.Open(batch);
                while (open > 0 && reader.ReadSeries())
                {
                    while (open > 0 && reader.ReadFieldRows())
                    {
                        open -= Take(reader, windows, oldest, found, tooOld);
                    }
                }
            }
        }
        catch (TsmFormatException e)
        {
            throw new InfluxBackupException("TsmFileDamaged", ErrorKind.InvalidData, $"{shard} holds a damaged file: {e.Message}", e)
            {
                Subject = shard.ToString(),
                Remedy = "Leave the shard out with -AllowPartial (--allow-partial), or merge another backup.",
            };
        }

        var old = Enumerable.Range(0, windows.Count).Where(i => found[i] is null && tooOld[i]).Select(i => (TimeRange?)windows[i]).FirstOrDefault();
        return new Found(found.OfType<SamplePoint>().ToList(), old);
    }

    /// <summary>Takes points of the rows at hand for stretches that have none yet; how many.</summary>
    private static int Take(SeriesReader reader, IReadOnlyList<TimeRange> windows, long? oldest, SamplePoint?[] found, bool[] tooOld)
    {
        var times = reader.Times;
        var taken = 0;
        for (var i = 0; i < windows.Count; i++)
        {
            var window = windows[i];
            if (found[i] is not null || window.Max < times[0] || window.Min > times[^1])
            {
                continue;
            }

            var first = FirstAtOrAfter(times, window.Min);
            var young = oldest > window.Min ? FirstAtOrAfter(times, oldest.Value) : first;
            tooOld[i] |= first < young && times[first] <= window.Max;
            if (young < times.Length && times[young] <= window.Max)
            {
                found[i] = PointOf(reader, young);
                taken++;
            }
        }

        return taken;
    }

    private static SamplePoint PointOf(SeriesReader reader, int row)
    {
        var column = reader.Columns[0];
        var field = reader.Field(column.Number);
        using var text = new TextBuffer(LineRoom);
        PointLine.Write(text, reader.SeriesKey, field, column.Points, column.From + row);
        return new SamplePoint(reader.SeriesKey.ToArray(), field.ToArray(), column.Points.Type, reader.Times[row], text.Written.ToArray());
    }

    private static int FirstAtOrAfter(ReadOnlySpan<long> times, long time)
    {
        var at = times.BinarySearch(time);
        return at < 0 ? ~at : at;
    }
}
