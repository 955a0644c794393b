using System.Buffers.Binary;
using InfluxBackup.BackupSets;
using InfluxBackup.Tsm;
using Microsoft.Win32.SafeHandles;

namespace InfluxBackup.Operations.Staging;

/// <summary>
/// Counts the different series of several files that each have theirs in ascending order, in constant memory: the series of each file, a
/// run, are written one after another, and in the end all runs are merged. Many runs are merged into one on the way.
/// </summary>
public sealed class SeriesCounter : IDisposable
{
    /// <summary>Runs that are merged at once; each takes a buffer.</summary>
    private const int MostRuns = 64;

    /// <summary>So many bytes of series that come in no order wait in memory before they are sorted and written as a run.</summary>
    private const int MostUnsorted = 4 << 20;

    private const int LengthSize = 2;

    /// <summary>Room for the longest key.</summary>
    private const int BufferSize = LengthSize + ushort.MaxValue;

    private readonly List<Run> runs = [];
    private readonly HashSet<KeyBytes> unsorted = new(KeyBytes.Comparer);
    private readonly byte[] buffer = new byte[BufferSize];
    private readonly byte[] previous = new byte[ushort.MaxValue];
    private readonly byte[] lookup = new byte[ushort.MaxValue];
    private int filled;
    private int previousLength;
    private int unsortedBytes;
    private Spool? spool;

    /// <summary>Where a run begins and ends in the spool, and how many series it has.</summary>
    private sealed record Run(long Start)
    {
        public long End { get; set; }

        public long Series { get; set; }
    }

    /// <summary>The next file.</summary>
    public void BeginRun()
    {
        if (runs.Count == MostRuns)
        {
            MergeIntoOne();
        }

        previousLength = -1;
        runs.Add(new Run(End()) { End = End() });
    }

    /// <summary>The next key of the file.</summary>
    public void Add(ReadOnlySpan<byte> key) => AddSeries(SeriesOf(key));

    /// <summary>A key of a file that has them in no order. It belongs to no run that was begun.</summary>
    public void AddUnsorted(ReadOnlySpan<byte> key)
    {
        var series = SeriesOf(key);
        series.CopyTo(lookup);
        var bytes = new KeyBytes(lookup, series.Length);
        if (!unsorted.Contains(bytes))
        {
            unsorted.Add(bytes.Copy());
            unsortedBytes += series.Length;
            if (unsortedBytes > MostUnsorted)
            {
                EndUnsorted();
            }
        }
    }

    /// <summary>Ends the files without order.</summary>
    public void EndUnsorted()
    {
        if (unsorted.Count > 0)
        {
            BeginRun();
            foreach (var series in unsorted.Order(Comparer<KeyBytes>.Create((x, y) => x.Span.SequenceCompareTo(y.Span))))
            {
                AddSeries(series.Span);
            }

            unsorted.Clear();
            unsortedBytes = 0;
        }
    }

    /// <summary>The number of different series so far.</summary>
    public long Count()
    {
        if (runs.Count <= 1)
        {
            return runs.Count == 0 ? 0 : runs[0].Series;
        }

        long count = 0;
        Merge(_ => count++);
        return count;
    }

    public void Dispose() => spool?.File.Dispose();

    /// <summary>The series with the separator: the order is that of the keys, so the separator is part of what is compared.</summary>
    private static ReadOnlySpan<byte> SeriesOf(ReadOnlySpan<byte> key)
    {
        var at = key.IndexOf(TsmKey.Separator);
        return at < 0 ? key : key[..(at + TsmKey.Separator.Length)];
    }

    private void AddSeries(ReadOnlySpan<byte> series)
    {
        if (previousLength >= 0 && previous.AsSpan(0, previousLength).SequenceEqual(series))
        {
            return;
        }

        series.CopyTo(previous);
        previousLength = series.Length;
        if (filled + LengthSize + series.Length > buffer.Length)
        {
            Flush();
        }

        BinaryPrimitives.WriteUInt16LittleEndian(buffer.AsSpan(filled), (ushort)series.Length);
        series.CopyTo(buffer.AsSpan(filled + LengthSize));
        filled += LengthSize + series.Length;
        runs[^1].End = End();
        runs[^1].Series++;
    }

    private long End() => (spool?.Length ?? 0) + filled;

    private void Flush()
    {
        spool ??= new Spool(StagingArea.CreateNameless());
        spool.Append(buffer.AsSpan(0, filled));
        filled = 0;
    }

    private delegate void OnSeries(ReadOnlySpan<byte> series);

    private void Merge(OnSeries take)
    {
        Flush();
        var queue = new PriorityQueue<RunReader, RunReader>(Comparer<RunReader>.Create((x, y) => x.Series.SequenceCompareTo(y.Series)));
        foreach (var reader in runs.Select(r => new RunReader(spool!.File, r.Start, r.End)).Where(r => r.Read()))
        {
            queue.Enqueue(reader, reader);
        }

        var last = new byte[ushort.MaxValue];
        var lastLength = -1;
        while (queue.TryDequeue(out var reader, out _))
        {
            if (lastLength < 0 || !reader.Series.SequenceEqual(last.AsSpan(0, lastLength)))
            {
                reader.Series.CopyTo(last);
                lastLength = reader.Series.Length;
                take(reader.Series);
            }

            // Taken out before it moves on: the queue would compare it with itself.
            if (reader.Read())
            {
                queue.Enqueue(reader, reader);
            }
        }
    }

    private void MergeIntoOne()
    {
        using var merged = new SeriesCounter();
        merged.BeginRun();
        Merge(series => merged.AddSeries(series));
        merged.Flush();
        (spool, merged.spool) = (merged.spool, spool);
        runs.Clear();
        runs.Add(merged.runs[0]);
    }

    /// <summary>A temporary file that grows at its end.</summary>
    private sealed class Spool(SafeFileHandle file)
    {
        public SafeFileHandle File => file;

        public long Length { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(file, bytes, Length);
                Length += bytes.Length;
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(Path.GetTempPath(), e);
            }
        }
    }

    private sealed class RunReader(SafeFileHandle file, long start, long end)
    {
        /// <summary>Small, as there are many; a longer series gets room of its own.</summary>
        private byte[] buffer = new byte[16 << 10];
        private int at;
        private int filled;
        private int length;

        public ReadOnlySpan<byte> Series => buffer.AsSpan(at - length, length);

        public bool Read()
        {
            if (!Ensure(LengthSize))
            {
                return false;
            }

            length = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at));
            at += LengthSize;
            Ensure(length);
            at += length;
            return true;
        }

        private bool Ensure(int wanted)
        {
            if (filled - at >= wanted)
            {
                return true;
            }

            var rest = buffer.AsSpan(at, filled - at);
            if (wanted > buffer.Length)
            {
                var larger = new byte[wanted];
                rest.CopyTo(larger);
                buffer = larger;
            }
            else
            {
                rest.CopyTo(buffer);
            }

            (at, filled) = (0, rest.Length);
            while (filled < wanted && start < end)
            {
                var read = RandomAccess.Read(file, buffer.AsSpan(filled, (int)Math.Min(buffer.Length - filled, end - start)), start);
                if (read == 0)
                {
                    throw new EndOfStreamException("A temporary file became shorter while it was read.");
                }

                start += read;
                filled += read;
            }

            return filled >= wanted;
        }
    }
}
