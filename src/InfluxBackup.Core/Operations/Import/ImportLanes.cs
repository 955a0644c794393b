using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using InfluxBackup.Http;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>
/// Several connections at once, and yet the order that matters: lines of the same series and time go through the same lane, and each
/// lane sends its batches strictly one after another. An export holds points more than once where files of a shard overlap; the
/// later line is the newer one and has to arrive later.
/// </summary>
internal sealed class ImportLanes : IDisposable
{
    /// <summary>Memory for batches, filling, waiting and under way.</summary>
    private const int Memory = 96 << 20;

    /// <summary>A lane that gets few lines must not hold the checkpoint back farther than this.</summary>
    private const int BatchesToLag = 8;

    /// <summary>How far a limit of points a second may be behind and catch up.</summary>
    private static readonly TimeSpan LongestDebt = TimeSpan.FromSeconds(1);

    private readonly Lane[] lanes;
    private readonly ImportWatermark watermark;
    private readonly ImportClock clockOfLines;
    private readonly ImportOptions options;
    private readonly CancellationTokenSource stop;
    private readonly ConcurrentBag<ImportBatch> free = [];
    private readonly SemaphoreSlim oversized = new(2);
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly int batchBytes;
    private readonly int batchLines;
    private readonly int timeShift;
    private TimeSpan due;
    private ulong keyHash;
    private byte[] key = new byte[256];
    private int keyLength = -1;

    /// <param name="clockOfLines">Gives lines their time that have none.</param>
    /// <param name="stop">Cancelled by a lane that fails, so that the reader ends too.</param>
    public ImportLanes(ImportOptions options, InfluxWriteClient client, ImportAccount account, ImportRejects rejects, ImportWatermark watermark, ImportClock clockOfLines, CancellationTokenSource stop)
    {
        this.clockOfLines = clockOfLines;
        this.options = options;
        this.watermark = watermark;
        this.stop = stop;
        batchBytes = Math.Max(4096, Math.Min(options.BatchBytes, Memory / (3 * options.Lanes)));
        // A slow trickle comes in small portions rather than in one large one every few seconds.
        batchLines = options.PointsPerSecond is { } limit ? (int)Math.Clamp(limit / 8, 1, options.BatchLines) : options.BatchLines;
        timeShift = TimeShift(options.Write.Precision);
        lanes = [.. Enumerable.Range(0, options.Lanes).Select(i => new Lane(new ImportSender(options, client, account, rejects, i)))];
        foreach (var lane in lanes)
        {
            lane.Worker = Task.Run(() => WorkAsync(lane));
        }
    }

    /// <summary>Why a lane failed.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Takes a line into the lane where it belongs, unless that one has to be sent first.</summary>
    /// <param name="full">That lane.</param>
    public bool TryAdd(ScriptReader line, WriteTarget target, out int full)
    {
        var text = line.Line;
        var fields = text[line.KeyLength..];
        var exact = PointTime.Read(fields);
        var time = exact is null && PointTime.IsMissing(fields) ? clockOfLines.TimeFor(line.Number) : default;
        var index = LaneOf(text[..line.KeyLength], exact);
        var lane = lanes[index];
        var batch = lane.Filling;
        if (batch is not null && (!ReferenceEquals(batch.Target, target) || batch.Length + text.Length + time.Length >= batchBytes || batch.Count >= batchLines))
        {
            full = index;
            return false;
        }

        if (batch is null)
        {
            batch = lane.Filling = free.TryTake(out var used) ? used : new ImportBatch();
            batch.Begin(target, watermark.Begin(new ImportPosition(line.Offset, line.Number, line.Context)));
        }

        batch.Add(text, time, line.Number, batchBytes, batchLines);
        full = -1;
        return true;
    }

    /// <summary>Hands over what a lane has gathered, and what others have been gathering for too long.</summary>
    /// <param name="offset">Where the reader stands.</param>
    public async Task SendAsync(int index, long offset, CancellationToken cancel)
    {
        await SendAsync(lanes[index], cancel).ConfigureAwait(false);
        var lag = (long)BatchesToLag * lanes.Length * batchBytes;
        foreach (var lane in lanes)
        {
            if (lane.Filling is { } batch && offset - batch.Mark.Position.Offset > lag)
            {
                await SendAsync(lane, cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until everything so far is dealt with.</summary>
    public async Task DrainAsync(CancellationToken cancel)
    {
        var barriers = new List<Task>();
        foreach (var lane in lanes)
        {
            await SendAsync(lane, cancel).ConfigureAwait(false);
            var barrier = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await lane.Queue.Writer.WriteAsync(new Work(null, barrier), cancel).ConfigureAwait(false);
            barriers.Add(barrier.Task);
        }

        await Task.WhenAll(barriers).WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Waits until all lanes have come to their end, be it good or bad.</summary>
    public async Task EndAsync()
    {
        foreach (var lane in lanes)
        {
            lane.Queue.Writer.TryComplete();
        }

        await Task.WhenAll(lanes.Select(l => l.Worker)).ConfigureAwait(false);
    }

    public void Dispose()
    {
        oversized.Dispose();
        foreach (var lane in lanes)
        {
            lane.Sender.Dispose();
        }
    }

    private async Task SendAsync(Lane lane, CancellationToken cancel)
    {
        if (lane.Filling is not { } batch)
        {
            return;
        }

        lane.Filling = null;
        await PaceAsync(batch.Count, cancel).ConfigureAwait(false);
        if (batch.IsOversized(batchBytes))
        {
            await oversized.WaitAsync(cancel).ConfigureAwait(false);
        }

        await lane.Queue.Writer.WriteAsync(new Work(batch, null), cancel).ConfigureAwait(false);
    }

    private async Task PaceAsync(int lines, CancellationToken cancel)
    {
        if (options.PointsPerSecond is { } limit)
        {
            // What a server could not take while it was down is not made up for: it would meet it when it is weakest.
            var now = clock.Elapsed;
            var begin = due > now - LongestDebt ? due : now - LongestDebt;
            due = begin + TimeSpan.FromSeconds((double)lines / limit);
            if (begin > now)
            {
                await Task.Delay(begin - now, cancel).ConfigureAwait(false);
            }
        }
    }

    private async Task WorkAsync(Lane lane)
    {
        try
        {
            await foreach (var (batch, barrier) in lane.Queue.Reader.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                barrier?.SetResult();
                if (batch is not null)
                {
                    await lane.Sender.SendAsync(batch, stop.Token).ConfigureAwait(false);
                    watermark.End(batch.Mark);
                    Reuse(batch);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The reader, or another lane, says why.
        }
#pragma warning disable CA1031 // Whatever it is, the import ends and reports it.
        catch (Exception e)
        {
            Fail(e);
        }
#pragma warning restore CA1031
    }

    private void Fail(Exception e)
    {
        lock (lanes)
        {
            Failure ??= e;
        }

        stop.Cancel();
    }

    private void Reuse(ImportBatch batch)
    {
        if (batch.IsOversized(batchBytes))
        {
            oversized.Release();
        }
        else
        {
            free.Add(batch);
        }
    }

    private int LaneOf(ReadOnlySpan<byte> series, long? exact)
    {
        var length = series.Length;
        // An export has all points of a series one after another.
        if (length != keyLength || !series.SequenceEqual(key.AsSpan(0, length)))
        {
            if (length > key.Length)
            {
                key = new byte[2 * length];
            }

            series.CopyTo(key);
            keyLength = length;
            keyHash = SeriesHash.Of(series);
        }

        var time = exact >> timeShift ?? 0;
        return (int)(SeriesHash.Mix(keyHash, (ulong)time) % (ulong)lanes.Length);
    }

    /// <summary>Times that are about a second apart at most stay together: neighbours compress well.</summary>
    private static int TimeShift(WritePrecision precision) => precision switch
    {
        WritePrecision.Nanoseconds => 30,
        WritePrecision.Microseconds => 20,
        WritePrecision.Milliseconds => 10,
        _ => 0,
    };

    private readonly record struct Work(ImportBatch? Batch, TaskCompletionSource? Barrier);

    private sealed class Lane(ImportSender sender)
    {
        public ImportSender Sender { get; } = sender;

        /// <summary>One batch waits while another is under way.</summary>
        public Channel<Work> Queue { get; } = Channel.CreateBounded<Work>(new BoundedChannelOptions(1) { SingleReader = true, SingleWriter = true });

        public ImportBatch? Filling { get; set; }

        public Task Worker { get; set; } = Task.CompletedTask;
    }
}
