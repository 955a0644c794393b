using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// Reads the series of a batch, for one thread: each as rows, that is a time with the fields that have a value at it.
/// <code>
/// reader.Open(batch);
/// while (reader.ReadSeries())
///     while (reader.ReadRows())       rows that have the same fields
///         … reader.RowCount, reader.Columns
/// </code>
/// The fields of a series are usually written together, and then their blocks have the same times: such blocks are a thousand
/// rows at once.
/// </summary>
public sealed class SeriesReader : IDisposable
{
    /// <summary>More values than this are taken in several steps, so that what is made of them stays small too.</summary>
    private const int MostValues = 16 << 10;

    private readonly BlockReader blocks;
    private readonly List<ColumnReader> pool = [];
    private readonly List<ColumnReader> alive = [];
    private readonly List<ColumnReader> row = [];
    private SeriesBatch batch = null!;
    private SeriesBatch.Series series;
    private int next;

    /// <param name="sources">The files that the batches were planned over.</param>
    /// <param name="options">What they were planned with.</param>
    public SeriesReader(IReadOnlyList<MergeSource> sources, MergeOptions options) => blocks = new BlockReader(sources, options.OnDamage);

    /// <summary>The key of the series as stored, escaped as in line protocol.</summary>
    public ReadOnlySpan<byte> SeriesKey => batch.SeriesKey(series);

    /// <summary>How many fields the series has in this piece.</summary>
    public int FieldCount => series.ColumnCount;

    /// <summary>How many rows there are.</summary>
    public int RowCount { get; private set; }

    /// <summary>The columns that have a value in each of the rows, from <see cref="ColumnReader.From"/> on.</summary>
    internal ReadOnlySpan<ColumnReader> Columns => CollectionsMarshal.AsSpan(row);

    /// <summary>The times of the rows.</summary>
    public ReadOnlySpan<long> Times => row[0].Times[..RowCount];

    /// <summary>The name of a field, not escaped.</summary>
    public ReadOnlySpan<byte> Field(int number) => batch.Key(batch.Columns(series)[number])[(series.KeyLength + TsmKey.Separator.Length)..];

    /// <summary>Starts with the first series of a batch.</summary>
    public void Open(SeriesBatch batch)
    {
        this.batch = batch;
        next = 0;
    }

    /// <summary>Goes on to the next series. False after the last.</summary>
    public bool ReadSeries()
    {
        if (next == batch.SeriesCount)
        {
            return false;
        }
        series = batch.GetSeries(next++);
        alive.Clear();
        row.Clear();
        RowCount = 0;
        var columns = batch.Columns(series);
        for (var i = 0; i < columns.Length; i++)
        {
            if (i == pool.Count)
            {
                pool.Add(new ColumnReader());
            }
            pool[i].Start(i, batch, columns[i], series.Times, blocks);
            alive.Add(pool[i]);
        }
        return true;
    }

    /// <summary>Goes on to the next rows of the series. False after the last.</summary>
    /// <exception cref="TsmFormatException">A block is damaged, and nobody wants a report.</exception>
    public bool ReadRows()
    {
        foreach (var column in row)
        {
            column.Skip(RowCount);
        }
        row.Clear();
        alive.RemoveAll(column => !column.Load());
        if (alive.Count == 0)
        {
            return false;
        }

        // The columns with the smallest time are the row; it goes on as long as their times agree and the others have none.
        var time = long.MaxValue;
        foreach (var column in alive)
        {
            time = Math.Min(time, column.Head);
        }
        var limit = long.MaxValue;
        foreach (var column in alive)
        {
            if (column.Head == time)
            {
                row.Add(column);
            }
            else
            {
                limit = Math.Min(limit, column.Head);
            }
        }
        var times = row[0].Times;
        for (var i = 1; i < row.Count; i++)
        {
            times = times[..CommonPrefix(times, row[i].Times)];
        }
        RowCount = row.Count == alive.Count ? times.Length : TimeSearch.FirstAtOrAfter(times, limit);
        RowCount = Math.Min(RowCount, Math.Max(1, MostValues / row.Count));
        return true;
    }

    /// <summary>Goes on to the next points of one field after the other, each a row of its own. False after the last.</summary>
    public bool ReadFieldRows()
    {
        foreach (var column in row)
        {
            column.Skip(RowCount);
        }
        row.Clear();
        while (alive.Count > 0 && !alive[0].Load())
        {
            alive.RemoveAt(0);
        }
        if (alive.Count == 0)
        {
            return false;
        }
        row.Add(alive[0]);
        RowCount = alive[0].Times.Length;
        return true;
    }

    /// <summary>Only so many of the rows are taken; the others come again.</summary>
    internal void KeepRows(int count) => RowCount = count;

    private static int CommonPrefix(ReadOnlySpan<long> left, ReadOnlySpan<long> right)
    {
        var length = Math.Min(left.Length, right.Length);
        // Usually all of them, which is one vectorised comparison.
        return left[..length].SequenceEqual(right[..length]) ? length : left.CommonPrefixLength(right);
    }

    public void Dispose()
    {
        pool.ForEach(column => column.Dispose());
        blocks.Dispose();
    }
}
