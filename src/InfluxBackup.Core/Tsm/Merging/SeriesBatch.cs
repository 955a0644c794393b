using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// A piece of work: some series of a shard, or a stretch of time of one series, with where their blocks lie. Batches can be read
/// in any order and at once; in their own order they give the shard's series in ascending order, each in ascending time.
/// </summary>
public sealed class SeriesBatch
{
    /// <summary>About how many bytes of blocks a batch holds. 16 000 noisy floats or some thousand short series.</summary>
    internal const int TargetWeight = 256 << 10;

    /// <summary>What a block costs beside its bytes.</summary>
    private const int BlockOverhead = 64;

    private byte[] text = new byte[4096];
    private int textLength;
    private readonly List<Series> series = [];
    private readonly List<Column> columns = [];
    private readonly List<Block> blocks = [];

    /// <summary>One series: its columns, and which times of them are meant.</summary>
    /// <param name="KeyLength">The series key is the beginning of the key of its first column.</param>
    internal readonly record struct Series(int KeyLength, int FirstColumn, int ColumnCount, TimeRange Times);

    /// <summary>One field of a series: its composite key and its blocks, by file from the oldest on, then by time.</summary>
    internal readonly record struct Column(int KeyStart, int KeyLength, int FirstBlock, int BlockCount);

    /// <summary>One block of a file.</summary>
    internal readonly record struct Block(int Source, TsmBlockType Type, TsmIndexEntry Entry);

    /// <summary>Place among the batches of the shard, from 0 on.</summary>
    public int Number { get; internal set; }

    /// <summary>How many series or pieces of series there are.</summary>
    public int SeriesCount => series.Count;

    internal long Weight { get; private set; }

    internal Series GetSeries(int index) => series[index];

    internal ReadOnlySpan<Column> Columns(Series of) => CollectionsMarshal.AsSpan(columns).Slice(of.FirstColumn, of.ColumnCount);

    internal ReadOnlySpan<Block> Blocks(Column of) => CollectionsMarshal.AsSpan(blocks).Slice(of.FirstBlock, of.BlockCount);

    internal ReadOnlySpan<byte> Key(Column column) => text.AsSpan(column.KeyStart, column.KeyLength);

    internal ReadOnlySpan<byte> SeriesKey(Series of) => text.AsSpan(columns[of.FirstColumn].KeyStart, of.KeyLength);

    internal int ColumnCount => columns.Count;

    internal int BlockCount => blocks.Count;

    internal void AddBlock(Block block)
    {
        blocks.Add(block);
        Weight += block.Entry.Size + BlockOverhead;
    }

    /// <summary>Bytes of the largest block from <paramref name="firstBlock"/> on.</summary>
    internal long LargestBlock(int firstBlock)
    {
        long largest = 0;
        foreach (ref readonly var block in CollectionsMarshal.AsSpan(blocks)[firstBlock..])
        {
            largest = Math.Max(largest, block.Entry.Size);
        }
        return largest;
    }

    /// <summary>Takes away everything.</summary>
    internal void Clear()
    {
        textLength = 0;
        series.Clear();
        columns.Clear();
        blocks.Clear();
        Weight = 0;
    }

    /// <summary>Takes away the blocks from <paramref name="firstBlock"/> on.</summary>
    internal void RemoveBlocks(int firstBlock)
    {
        foreach (var block in CollectionsMarshal.AsSpan(blocks)[firstBlock..])
        {
            Weight -= block.Entry.Size + BlockOverhead;
        }
        blocks.RemoveRange(firstBlock, blocks.Count - firstBlock);
    }

    /// <summary>Makes a column of the blocks from <paramref name="firstBlock"/> on.</summary>
    internal void AddColumn(ReadOnlySpan<byte> key, int firstBlock)
    {
        if (textLength + key.Length > text.Length)
        {
            Array.Resize(ref text, Math.Max(2 * text.Length, textLength + key.Length));
        }
        key.CopyTo(text.AsSpan(textLength));
        columns.Add(new Column(textLength, key.Length, firstBlock, blocks.Count - firstBlock));
        textLength += key.Length;
        Weight += key.Length;
    }

    /// <summary>Makes a series of the columns from <paramref name="firstColumn"/> on.</summary>
    internal void AddSeries(int keyLength, int firstColumn, TimeRange times) =>
        series.Add(new Series(keyLength, firstColumn, columns.Count - firstColumn, times));
}
