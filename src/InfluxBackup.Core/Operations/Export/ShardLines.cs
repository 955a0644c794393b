using System.IO.Compression;
using System.Threading.Channels;
using InfluxBackup.BackupSets;
using InfluxBackup.LineProtocol;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Operations;

/// <summary>How lines are made.</summary>
/// <param name="OneFieldPerLine">One line for each field instead of one for all fields of a time.</param>
/// <param name="Compression">Null for plain text.</param>
/// <param name="Threads">How many threads read, unpack, print and compress.</param>
internal sealed record LineFormat(bool OneFieldPerLine, CompressionLevel? Compression, int Threads);

/// <summary>
/// The points of a shard as lines, made by several threads, delivered in order: series ascending, each in ascending time.
/// <code>
/// planner ─► batches ─┬─► thread: read, merge, print, compress ─► chunks ─┬─► in the batches' order
///                     └─► thread: …                                        ┘
/// </code>
/// Everything between is bounded: a slow reader holds back the threads, and memory is that of some chunks for each thread.
/// </summary>
internal static class ShardLines
{
    /// <summary>A batch that is not next waits for its turn with so many chunks ready.</summary>
    private const int ReadyChunks = 4;

    /// <param name="sources">The shard's files, oldest first.</param>
    /// <param name="options">What to take of them.</param>
    /// <param name="format">How to print it.</param>
    /// <param name="unwritable">Told of a series, or one of its fields, that line protocol has no form for, by its name and times; once.</param>
    /// <param name="write">Takes the chunks one after another; they are disposed of afterwards.</param>
    /// <exception cref="InfluxBackupException">A file can't be read.</exception>
    /// <exception cref="TsmFormatException">A file is damaged, and <see cref="MergeOptions.OnDamage"/> is not given or can't help.</exception>
    public static async Task WriteAsync(
        IReadOnlyList<MergeSource> sources,
        MergeOptions options,
        LineFormat format,
        Action<string, TimeRange> unwritable,
        Func<TextChunk, ValueTask> write,
        CancellationToken cancel)
    {
        if (sources.Count == 0)
        {
            return;
        }

        options = options with { IncludesField = new WritableFields(unwritable, options.Times).Includes };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var toDo = Channel.CreateBounded<Job>(new BoundedChannelOptions(format.Threads) { SingleWriter = true });
        var inOrder = Channel.CreateBounded<Job>(new BoundedChannelOptions(2 * format.Threads) { SingleWriter = true, SingleReader = true });

        var tasks = new List<Task> { Task.Run(() => ReadingAsync(PlanAsync(sources, options, toDo.Writer, inOrder.Writer, stop.Token)), CancellationToken.None) };
        for (var i = 0; i < format.Threads; i++)
        {
            tasks.Add(Task.Run(() => ReadingAsync(WorkAsync(sources, options, format, toDo.Reader, stop.Token)), CancellationToken.None));
        }

        tasks.Add(DeliverAsync(inOrder.Reader, write, stop.Token));
        await RunAllAsync(tasks, stop).ConfigureAwait(false);
    }

    /// <summary>Waits for all; the first that fails stops the others, and it is its error that counts.</summary>
    private static async Task RunAllAsync(List<Task> tasks, CancellationTokenSource stop)
    {
        var running = tasks.ToList();
        Task? failed = null;
        while (running.Count > 0)
        {
            var done = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(done);
            if (!done.IsCompletedSuccessfully && failed is null)
            {
                failed = done;
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }

        if (failed is not null)
        {
            await failed.ConfigureAwait(false);
        }
    }

    /// <summary>Whoever reads meets the disk's errors, and files that became shorter; the message has the name.</summary>
    private static async Task ReadingAsync(Task reading)
    {
        try
        {
            await reading.ConfigureAwait(false);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw new InfluxBackupException("PathNotReadable", ErrorKind.Read, $"A TSM file could not be read: {e.Message}", e);
        }
    }

    private static async Task PlanAsync(
        IReadOnlyList<MergeSource> sources, MergeOptions options, ChannelWriter<Job> toDo, ChannelWriter<Job> inOrder, CancellationToken cancel)
    {
        using var planner = new BatchPlanner(sources, options);
        while (planner.Next(cancel) is { } batch)
        {
            var job = new Job(batch);
            await inOrder.WriteAsync(job, cancel).ConfigureAwait(false);
            await toDo.WriteAsync(job, cancel).ConfigureAwait(false);
        }

        toDo.Complete();
        inOrder.Complete();
    }

    private static async Task WorkAsync(
        IReadOnlyList<MergeSource> sources, MergeOptions options, LineFormat format, ChannelReader<Job> jobs, CancellationToken cancel)
    {
        using var printer = new BatchPrinter(new SeriesReader(sources, options), format);
        await foreach (var job in jobs.ReadAllAsync(cancel).ConfigureAwait(false))
        {
            printer.Open(job.Batch);
            while (printer.Next(cancel) is { } chunk)
            {
                await job.Chunks.Writer.WriteAsync(chunk, cancel).ConfigureAwait(false);
            }

            job.Chunks.Writer.Complete();
        }
    }

    private static async Task DeliverAsync(ChannelReader<Job> jobs, Func<TextChunk, ValueTask> write, CancellationToken cancel)
    {
        await foreach (var job in jobs.ReadAllAsync(cancel).ConfigureAwait(false))
        {
            await foreach (var chunk in job.Chunks.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                using (chunk)
                {
                    await write(chunk).ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>
    /// Leaves out what line protocol has no form for, and tells of it once: of a series, or of one of its fields. A series whose lines
    /// are comments is told of too, but written: a person can still make something of them.
    /// </summary>
    private sealed class WritableFields(Action<string, TimeRange> unwritable, TimeRange times)
    {
        private byte[] last = [];

        /// <summary>Asked by the planner alone, series by series.</summary>
        public bool Includes(ReadOnlySpan<byte> series, ReadOnlySpan<byte> field)
        {
            if (LineWriter.CanWrite(series, field))
            {
                if (Escaping.IsComment(series) && !series.SequenceEqual(last))
                {
                    last = series.ToArray();
                    unwritable(TsmKey.Readable(series), times);
                }

                return true;
            }

            if (LineWriter.CanWrite(series))
            {
                unwritable($"{TsmKey.Readable(series)} field {TsmKey.Readable(field)}", times);
            }
            else if (!series.SequenceEqual(last))
            {
                last = series.ToArray();
                unwritable(TsmKey.Readable(series), times);
            }

            return false;
        }
    }

    /// <summary>A batch, and the chunks that come of it.</summary>
    private sealed class Job(SeriesBatch batch)
    {
        public SeriesBatch Batch { get; } = batch;

        public Channel<TextChunk> Chunks { get; } = Channel.CreateBounded<TextChunk>(new BoundedChannelOptions(ReadyChunks) { SingleReader = true, SingleWriter = true });
    }
}
