using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tsm;

/// <summary>
/// Counts the points of a TSM file without unpacking one: how many times a block has can be told from the form in which they are
/// stored. Checksums are not compared; that is <see cref="TsmFileVerifier"/>'s.
/// </summary>
public static class TsmFileCounter
{
    /// <summary>The type of a block and the length of its times.</summary>
    private const int BlockHeadSize = 1 + 10;

    /// <summary>Tells the observer of every key, its points counted. Throws <see cref="TsmFormatException"/> where the file is damaged.</summary>
    public static void Count(TsmFile file, ITsmKeyObserver observer, CancellationToken cancel)
    {
        using var index = file.ReadIndex();
        using var blocks = new TsmWindow(file, index.Start);
        while (index.ReadKey())
        {
            cancel.ThrowIfCancellationRequested();
            var summary = new TsmKeySummary(long.MaxValue, long.MinValue, 0, 0);
            while (index.ReadEntry(out var entry))
            {
                summary = new TsmKeySummary(
                    Math.Min(summary.MinTime, entry.MinTime), Math.Max(summary.MaxTime, entry.MaxTime), summary.Blocks + 1, summary.Points + PointsOf(index, blocks, entry));
            }
            if (summary.Blocks > 0)
            {
                observer.OnKey(index.Key, index.Type, summary);
            }
        }
    }

    private static long PointsOf(TsmIndexReader index, TsmWindow blocks, in TsmIndexEntry entry)
    {
        if (!entry.FitsIn(index.Start))
        {
            throw Damaged(index, index.EntryOffset, "a block does not lie between header and index");
        }
        var head = blocks.Read(entry.BlockOffset, (int)Math.Min(entry.BlockSize, BlockHeadSize));
        var rest = head[1..];
        if (!Uvarint.TryTake(ref rest, out var length) || length > (ulong)(entry.BlockSize - (head.Length - rest.Length)) || length > TsmFormat.MaxBlockSize)
        {
            throw Damaged(index, entry.BlockOffset, "the times run past the end of their block");
        }
        var count = TimestampCodec.Count(blocks.Read(entry.BlockOffset + head.Length - rest.Length, (int)length));
        return count <= TsmFormat.MaxPointsPerBlock ? (long)count : throw Damaged(index, entry.BlockOffset, $"a block claims {count} points");
    }

    private static TsmFormatException Damaged(TsmIndexReader index, long offset, string what) =>
        new($"The points of {TsmKey.Describe(index.Key)} can't be counted: {what}.", offset);
}
