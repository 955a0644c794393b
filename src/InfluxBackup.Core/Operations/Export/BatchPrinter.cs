using InfluxBackup.LineProtocol;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Operations;

/// <summary>Prints the series of batches into chunks, for one thread.</summary>
internal sealed class BatchPrinter(SeriesReader reader, LineFormat format) : IDisposable
{
    private readonly LineWriter writer = new();
    private bool inSeries;
    private int series;

    public void Open(SeriesBatch batch)
    {
        reader.Open(batch);
        inSeries = false;
    }

    /// <summary>The next chunk of the batch, complete; null at its end.</summary>
    public TextChunk? Next(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var chunk = new TextChunk();
        try
        {
            var counts = LineCounts.None;
            while (chunk.Text.Length < TextChunk.TargetSize && ReadRows())
            {
                var before = (writer.Lines, writer.Points);
                writer.Write(reader, chunk.Text, TextChunk.TargetSize);
                var times = reader.Times;
                counts = counts.Then(new LineCounts(writer.Lines - before.Lines, writer.Points - before.Points, 1, times[0], times[^1], series, series));
            }

            if (chunk.Text.Length == 0)
            {
                chunk.Dispose();
                return null;
            }

            chunk.Counts = counts;
            chunk.Complete(format.Compression);
            return chunk;
        }
        catch
        {
            chunk.Dispose();
            throw;
        }
    }

    private bool ReadRows()
    {
        while (true)
        {
            if (inSeries && (format.OneFieldPerLine ? reader.ReadFieldRows() : reader.ReadRows()))
            {
                return true;
            }

            inSeries = reader.ReadSeries();
            if (!inSeries)
            {
                return false;
            }

            var hash = default(HashCode);
            hash.AddBytes(reader.SeriesKey);
            series = hash.ToHashCode();
            if (!writer.TryBegin(reader))
            {
                throw new InvalidOperationException($"{TsmKey.Describe(reader.SeriesKey)} was planned, but line protocol has no form for it.");
            }
        }
    }

    public void Dispose() => reader.Dispose();
}
