using System.Diagnostics;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Output;

/// <summary>One line at the bottom of a terminal that is written again and again. Its owner sees to it that one thread at a time calls.</summary>
internal sealed class ProgressLine(TextWriter terminal)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly Stopwatch sinceLast = Stopwatch.StartNew();
    private bool isShown;

    public void Show(string activity, TransferProgress progress)
    {
        if (isShown && sinceLast.Elapsed < Interval && progress.ShardsDone < progress.ShardsTotal)
        {
            return;
        }

        Write(Describe(activity, progress));
    }

    /// <summary>For instance <c>Importing export.lp.gz  1.2 GB of 3.4 GB (35 %)  51200000 points  812000/s</c>.</summary>
    public void Show(ImportProgress progress)
    {
        if (isShown && sinceLast.Elapsed < Interval)
        {
            return;
        }

        var seconds = progress.Elapsed.TotalSeconds;
        var amount = progress.TotalBytes is > 0 and { } total
            ? $"{ByteSize.Format(progress.BytesRead)} of {ByteSize.Format(total)} ({Math.Min(1, (double)progress.BytesRead / total) * 100:0} %)"
            : ByteSize.Format(progress.BytesRead);
        Write($"Importing {Path.GetFileName(progress.Source)}  {amount}  {Text.Count(progress.PointsWritten, "point")}"
            + (progress.Rejected > 0 ? $", {progress.Rejected} rejected" : "")
            + (seconds > 0.5 ? $"  {progress.PointsWritten / seconds:0}/s" : ""));
    }

    public void Clear()
    {
        if (isShown)
        {
            isShown = false;
            terminal.Write("\r\u001b[2K");
            terminal.Flush();
        }
    }

    /// <summary>For instance <c>Backing up  12/40 shards  1.2 GB of 3.4 GB (35 %)  210 MB/s  11 s left</c>.</summary>
    internal static string Describe(string activity, TransferProgress progress)
    {
        var seconds = progress.Elapsed.TotalSeconds;
        var rate = seconds > 0 ? progress.TotalBytes / seconds : 0;
        var parts = new List<string> { activity, $"{progress.ShardsDone}/{progress.ShardsTotal} shards" };
        if (progress.TotalExpectedBytes is > 0 and { } expected)
        {
            // The expectation is an estimate; never show more than all.
            var share = Math.Min(1, (double)progress.TotalBytes / expected);
            parts.Add($"{ByteSize.Format(progress.TotalBytes)} of {ByteSize.Format(expected)} ({share * 100:0} %)");
        }
        else
        {
            parts.Add(ByteSize.Format(progress.TotalBytes));
        }

        if (rate > 0 && seconds > 0.5)
        {
            parts.Add($"{ByteSize.Format((long)rate)}/s");
        }

        if (TimeLeft(progress, rate) is { } left)
        {
            parts.Add($"{Text.Duration(left)} left");
        }

        return string.Join("  ", parts);
    }

    /// <summary>By bytes where the server said how many there are, else by shards once some are done.</summary>
    private static TimeSpan? TimeLeft(TransferProgress progress, double rate)
    {
        if (progress.Elapsed.TotalSeconds < 2 || progress.ShardsDone >= progress.ShardsTotal)
        {
            return null;
        }

        double? seconds = progress.TotalExpectedBytes is { } expected && rate > 0 ? Math.Max(0, expected - progress.TotalBytes) / rate
            : progress.ShardsDone > 0 ? progress.Elapsed.TotalSeconds / progress.ShardsDone * (progress.ShardsTotal - progress.ShardsDone)
            : null;
        return seconds is { } s && s < TimeSpan.FromDays(99).TotalSeconds ? TimeSpan.FromSeconds(Math.Ceiling(s)) : null;
    }

    private void Write(string text)
    {
        sinceLast.Restart();
        isShown = true;
        var width = Width();
        terminal.Write("\r\u001b[2K" + (text.Length > width ? text[..width] : text));
        terminal.Flush();
    }

    /// <summary>A longer line would wrap, and the next one could not be written over it.</summary>
    private static int Width()
    {
        try
        {
            return Console.WindowWidth is > 1 and { } width ? width - 1 : 79;
        }
        catch (IOException)
        {
            return 79;
        }
    }
}
