namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// Walks the index of a shard and cuts what is wanted of it into <see cref="SeriesBatch"/>es. Reads no block. Memory is that of
/// the windows of the indexes and of one batch, or of one series' entries if it is longer than a batch.
/// </summary>
public sealed class BatchPlanner : IDisposable
{
    /// <summary>
    /// A series with more columns or blocks than this is taken as several, each with some of its fields: their lines are apart
    /// then, which means the same. It bounds the memory of a series with ten thousands of fields.
    /// </summary>
    private const int MostColumns = 512;
    private const int MostBlocks = 500_000;

    /// <summary>The same where a block of each field, as large as the field has one, takes more: those of one time are in memory together.</summary>
    private const long MostWidth = 16 << 20;

    private readonly MergeOptions options;
    private readonly IReadOnlyList<MergeSource> sources;
    private readonly MergedIndex index;
    private readonly Queue<SeriesBatch> slices = new();
    private SeriesBatch open = new();
    private byte[] seriesKey = [];
    private int seriesKeyLength = -1;
    private bool seriesIsWanted;
    private int firstColumn;
    private long pieceWidth;
    private int number;
    private bool ended;

    /// <param name="sources">The files, oldest first.</param>
    /// <param name="options">What to take.</param>
    public BatchPlanner(IReadOnlyList<MergeSource> sources, MergeOptions options)
    {
        this.options = options;
        this.sources = sources;
        index = new MergedIndex(sources);
    }

    /// <summary>The next batch; null at the end.</summary>
    /// <param name="cancel">Asked at each key, as there may be millions before one that is wanted.</param>
    /// <exception cref="TsmFormatException">An index is damaged.</exception>
    public SeriesBatch? Next(CancellationToken cancel = default)
    {
        while (slices.Count == 0 && !ended)
        {
            cancel.ThrowIfCancellationRequested();
            if (!index.Read())
            {
                EndSeries();
                HandOver();
                ended = true;
                break;
            }
            TakeKey(index.Key);
        }
        if (!slices.TryDequeue(out var batch))
        {
            return null;
        }
        batch.Number = number++;
        return batch;
    }

    private void TakeKey(ReadOnlySpan<byte> key)
    {
        if (!TsmKey.TrySplit(key, out var series, out var field))
        {
            throw new TsmFormatException($"The key {TsmKey.Describe(key)} has no field in {FileNames()}.", index.Reader(index.Sources[0]).KeyOffset);
        }
        if (seriesKeyLength < 0 || !series.SequenceEqual(seriesKey.AsSpan(0, seriesKeyLength)))
        {
            EndSeries();
            BeginSeries(series);
        }
        if (!seriesIsWanted)
        {
            return;
        }
        var firstBlock = open.BlockCount;
        foreach (var source in index.Sources)
        {
            TakeBlocks(source);
        }
        if (open.BlockCount > firstBlock && options.IncludesField?.Invoke(series, field) == false)
        {
            open.RemoveBlocks(firstBlock);
        }
        else if (open.BlockCount > firstBlock)
        {
            open.AddColumn(key, firstBlock);
            pieceWidth += open.LargestBlock(firstBlock);
            if (open.ColumnCount - firstColumn >= MostColumns || open.BlockCount >= MostBlocks || pieceWidth >= MostWidth)
            {
                EndPiece();
            }
        }
    }

    private void TakeBlocks(int source)
    {
        var reader = index.Reader(source);
        while (index.ReadEntry(source, out var entry))
        {
            var times = new TimeRange(entry.MinTime, entry.MaxTime);
            if (!times.Overlaps(options.Times))
            {
                continue;
            }
            if (entry.FitsIn(reader.Start))
            {
                open.AddBlock(new SeriesBatch.Block(source, reader.Type, entry));
                continue;
            }
            var file = sources[source].File.FileName;
            var message = $"The block at offset {entry.Offset} ({entry.Size} bytes) does not lie between header and index.";
            if (options.OnDamage is not { } damaged)
            {
                throw new TsmFormatException($"{file}: {message} {TsmKey.Describe(reader.Key)}", reader.EntryOffset);
            }
            damaged(new DamagedBlock(file, reader.EntryOffset, TsmKey.Describe(reader.Key), times, message));
        }
    }

    private void BeginSeries(ReadOnlySpan<byte> key)
    {
        if (seriesKey.Length < key.Length)
        {
            seriesKey = new byte[Math.Max(key.Length, 256)];
        }
        key.CopyTo(seriesKey);
        seriesKeyLength = key.Length;
        seriesIsWanted = options.Includes?.Invoke(key) ?? true;
    }

    private void EndSeries()
    {
        if (open.ColumnCount > firstColumn)
        {
            EndPiece();
        }
        if (open.Weight >= SeriesBatch.TargetWeight)
        {
            HandOver();
        }
    }

    /// <summary>Makes a series of the columns gathered so far: whole, or where they are long, in slices of time.</summary>
    private void EndPiece()
    {
        var piece = new SeriesBatch.Series(seriesKeyLength, firstColumn, open.ColumnCount - firstColumn, options.Times);
        var weight = PieceWeight(piece);
        if (weight <= 2 * SeriesBatch.TargetWeight)
        {
            open.AddSeries(seriesKeyLength, firstColumn, options.Times);
        }
        else
        {
            var whole = open;
            open = new SeriesBatch();
            // What came before this series in the batch goes out first, as a batch of its own.
            if (whole.SeriesCount > 0)
            {
                slices.Enqueue(whole);
            }
            foreach (var slice in SeriesSlicer.Cut(whole, piece, (int)Math.Min(int.MaxValue, weight / SeriesBatch.TargetWeight + 1)))
            {
                slices.Enqueue(slice);
            }
        }
        firstColumn = open.ColumnCount;
        pieceWidth = 0;
    }

    private long PieceWeight(SeriesBatch.Series piece)
    {
        long weight = 0;
        foreach (var column in open.Columns(piece))
        {
            foreach (var block in open.Blocks(column))
            {
                weight += block.Entry.Size;
            }
        }
        return weight;
    }

    private void HandOver()
    {
        if (open.SeriesCount > 0)
        {
            slices.Enqueue(open);
            open = new SeriesBatch();
        }
        firstColumn = open.ColumnCount;
    }

    private string FileNames() => string.Join(", ", index.Sources.Select(s => sources[s].File.FileName));

    public void Dispose() => index.Dispose();
}
