using System.Buffers;
using System.Buffers.Binary;

namespace InfluxBackup.Tsm;

/// <summary>What became of the blocks of a TSM file that was rewritten.</summary>
/// <param name="Copied">Blocks all of whose points are wanted, the same byte for byte.</param>
/// <param name="Cut">Blocks that lost some of their points.</param>
/// <param name="LeftOut">Blocks none of whose points is wanted.</param>
public sealed record TsmRewriteReport(long Copied, long Cut, long LeftOut)
{
    /// <summary>Whether nothing is left: there is no file then, and nothing was written.</summary>
    public bool IsEmpty => Copied + Cut == 0;
}

/// <summary>
/// Copies a TSM file without its deleted points, or what is left of some stretches of time of some of its series. Blocks of which every
/// point is wanted are copied as they are, blocks of which none can be are left out unread, and only the others are unpacked, cut and
/// packed again. Whatever is read has its checksum compared, so that damage is never copied under a new, right one.
/// </summary>
/// <remarks>Memory: one block, one key's index entries, and what <see cref="TsmWriter"/> and <see cref="TombstoneRanges"/> say of themselves.</remarks>
public sealed class TsmRewriter : IDisposable
{
    private readonly TsmFile source;
    private readonly TsmSelection wanted;
    private readonly TsmIndexReader index;
    private readonly TsmWindow window;
    private readonly TsmPoints points = new();
    private readonly TsmBlockEncoder encoder = new();
    private readonly ArrayBufferWriter<byte> packed = new();
    private readonly GzipChecksum checksum = new();
    private readonly List<TimeRange> unwanted = [];
    private long copied;
    private long cut;
    private long leftOut;

    private TsmRewriter(TsmFile source, TsmSelection wanted)
    {
        this.source = source;
        this.wanted = wanted;
        index = source.ReadIndex();
        window = new TsmWindow(source, index.Start);
    }

    /// <summary>Writes what is left of a file.</summary>
    /// <inheritdoc cref="Rewrite(TsmFile, TsmSelection, TombstoneRanges, Stream, string?, CancellationToken)"/>
    public static TsmRewriteReport Rewrite(TsmFile source, TombstoneRanges deletes, Stream destination, string? spoolDirectory, CancellationToken cancel) =>
        Rewrite(source, TsmSelection.Everything, deletes, destination, spoolDirectory, cancel);

    /// <summary>Writes what is left of the points of a file that are wanted.</summary>
    /// <param name="source">The file.</param>
    /// <param name="wanted">Which of its points.</param>
    /// <param name="deletes">Its own deletes; those of other files do not apply to it.</param>
    /// <param name="destination">Where the result goes; stays the caller's.</param>
    /// <param name="spoolDirectory">Where a large index waits meanwhile.</param>
    /// <param name="cancel">Asked before each block.</param>
    /// <exception cref="TsmFormatException">The file is damaged; what was written is no TSM file.</exception>
    public static TsmRewriteReport Rewrite(
        TsmFile source, TsmSelection wanted, TombstoneRanges deletes, Stream destination, string? spoolDirectory, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(deletes);
        using var rewriter = new TsmRewriter(source, wanted);
        using var writer = new TsmWriter(destination, spoolDirectory);
        rewriter.Run(deletes, writer, cancel);
        if (!writer.IsEmpty)
        {
            writer.Complete();
        }
        return new TsmRewriteReport(rewriter.copied, rewriter.cut, rewriter.leftOut);
    }

    private void Run(TombstoneRanges deletes, TsmWriter writer, CancellationToken cancel)
    {
        while (index.ReadKey())
        {
            if (index.Key.IsEmpty || !index.Type.IsKnown())
            {
                throw new TsmFormatException($"The key {TsmKey.Describe(index.Key)} is of {index.Type.Describe()}.", index.KeyOffset);
            }
            if (!wanted.IncludesSeriesOf(index.Key))
            {
                cancel.ThrowIfCancellationRequested();
                leftOut += index.BlockCount;
                continue;
            }
            writer.BeginKey(index.Key, index.Type);
            var without = wanted.Without(deletes.Find(index.Key), unwanted);
            while (index.ReadEntry(out var entry))
            {
                cancel.ThrowIfCancellationRequested();
                CopyBlock(entry, Overlapping(ref without, new TimeRange(entry.MinTime, entry.MaxTime)), writer);
            }
        }
    }

    private void CopyBlock(TsmIndexEntry entry, ReadOnlySpan<TimeRange> without, TsmWriter writer)
    {
        // Ranges do not touch each other: no time is wanted only if one range has them all.
        if (without.Length == 1 && without[0].Contains(new TimeRange(entry.MinTime, entry.MaxTime)))
        {
            leftOut++;
            return;
        }
        var block = ReadBlock(entry);
        if (without.IsEmpty || Cut(entry, block, without) == 0)
        {
            writer.WriteBlock(entry.MinTime, entry.MaxTime, block);
            copied++;
        }
        else if (points.Count == 0)
        {
            leftOut++;
        }
        else
        {
            Pack(entry);
            writer.WriteBlock(points.Times[0], points.Times[^1], packed.WrittenSpan);
            cut++;
        }
    }

    /// <summary>Unpacks a block and takes points away. The times must be what the index says: it decided which ranges matter.</summary>
    private int Cut(TsmIndexEntry entry, ReadOnlySpan<byte> block, ReadOnlySpan<TimeRange> without)
    {
        try
        {
            points.Decode(block);
        }
        catch (TsmFormatException error)
        {
            throw Damaged(entry, error.Message, error);
        }
        var times = points.Times;
        if (times.IsEmpty || times[0] != entry.MinTime || times[^1] != entry.MaxTime)
        {
            throw Damaged(entry, "its times are not those that the index gives");
        }
        for (var i = 1; i < times.Length; i++)
        {
            if (times[i] <= times[i - 1])
            {
                throw Damaged(entry, "its times do not ascend");
            }
        }
        return points.Remove(without);
    }

    private void Pack(TsmIndexEntry entry)
    {
        packed.ResetWrittenCount();
        try
        {
            encoder.Encode(points, packed);
        }
        // A float that is NaN, which no server stores.
        catch (ArgumentException error)
        {
            throw Damaged(entry, error.Message, error);
        }
    }

    private ReadOnlySpan<byte> ReadBlock(TsmIndexEntry entry)
    {
        if (!entry.FitsIn(index.Start) || entry.BlockSize > TsmFormat.MaxBlockSize)
        {
            throw Damaged(entry, $"{entry.Size} bytes at offset {entry.Offset} are no block of this file");
        }
        ReadOnlySpan<byte> bytes = window.Read(entry.Offset, (int)entry.Size);
        var block = bytes[TsmFormat.ChecksumSize..];
        checksum.Reset();
        checksum.Update(block);
        if (checksum.Value != BinaryPrimitives.ReadUInt32BigEndian(bytes))
        {
            throw Damaged(entry, "its checksum does not match");
        }
        return (TsmBlockType)block[0] == index.Type ? block : throw Damaged(entry, $"it is of {((TsmBlockType)block[0]).Describe()}, its key of {index.Type.Describe()}");
    }

    /// <summary>The ranges that a block may have to do with. Those that lie before it are taken away for good, as blocks ascend.</summary>
    private static ReadOnlySpan<TimeRange> Overlapping(ref ReadOnlySpan<TimeRange> ranges, TimeRange block)
    {
        while (!ranges.IsEmpty && ranges[0].Max < block.Min)
        {
            ranges = ranges[1..];
        }
        var count = 0;
        while (count < ranges.Length && ranges[count].Min <= block.Max)
        {
            count++;
        }
        return ranges[..count];
    }

    private TsmFormatException Damaged(TsmIndexEntry entry, string what, Exception? inner = null) =>
        new($"The block of {TsmKey.Describe(index.Key)} from {TsmTime.Describe(entry.MinTime)} is damaged in {source.FileName}: {what}.", entry.Offset, inner);

    public void Dispose()
    {
        index.Dispose();
        window.Dispose();
        points.Dispose();
    }
}
