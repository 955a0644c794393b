using System.Buffers.Binary;

namespace InfluxBackup.Tsm.Merging;

/// <summary>Reads blocks of several files for one thread: checked, then unpacked.</summary>
internal sealed class BlockReader(IReadOnlyList<MergeSource> sources, Action<DamagedBlock>? onDamage) : IDisposable
{
    /// <summary>All windows together.</summary>
    private const int WindowBudget = 4 << 20;
    private const int SmallestWindow = 4 << 10;
    private const int LargestWindow = 128 << 10;

    /// <summary>Room for points that is more than this is not kept.</summary>
    private const long LargestKept = 1 << 20;

    /// <summary>Room for points that are open at once.</summary>
    private const long MostUnpacked = 256 << 20;

    private readonly Stack<TsmPoints> idle = new();
    private readonly TsmWindow?[] windows = new TsmWindow?[sources.Count];
    private readonly int windowSize = Math.Clamp(WindowBudget / Math.Max(1, sources.Count), SmallestWindow, LargestWindow);
    private readonly GzipChecksum checksum = new();

    /// <summary>For blocks that are larger than a window, of one file after the other: each file's own would keep that size.</summary>
    private TsmWindow? large;
    private int largeSource;
    private long unpacked;

    public TombstoneRanges Deletes(int source) => sources[source].Deletes;

    /// <summary>Unpacks a block. False if it is damaged and was reported as such.</summary>
    /// <exception cref="TsmFormatException">It is damaged and nobody wants a report.</exception>
    public bool TryRead(SeriesBatch.Block block, ReadOnlySpan<byte> key, TsmPoints points)
    {
        var entry = block.Entry;
        try
        {
            Read(block, points);
            return true;
        }
        catch (TsmFormatException error)
        {
            var file = sources[block.Source].File.FileName;
            var offset = entry.BlockOffset + error.Offset;
            if (onDamage is null)
            {
                throw new TsmFormatException($"{file}: the block at offset {entry.Offset} is damaged: {error.Message} {TsmKey.Describe(key)}", offset, error);
            }
            onDamage(new DamagedBlock(file, offset, TsmKey.Describe(key), new TimeRange(entry.MinTime, entry.MaxTime), error.Message));
            return false;
        }
    }

    private void Read(SeriesBatch.Block block, TsmPoints points)
    {
        Unpack(ReadBody(block), points);
        CheckTimes(points.Times, block.Entry);
    }

    /// <summary>The bytes of a block without its checksum, which they have been held against. Valid until the next block is read.</summary>
    /// <exception cref="TsmFormatException">They are not what was written.</exception>
    public ReadOnlySpan<byte> ReadBody(SeriesBatch.Block block)
    {
        var entry = block.Entry;
        if (entry.BlockSize > TsmFormat.MaxBlockSize)
        {
            throw new TsmFormatException($"The block has {entry.BlockSize} bytes; more than {TsmFormat.MaxBlockSize} are not accepted.");
        }
        var file = sources[block.Source].File;
        var window = entry.Size > windowSize ? LargeWindow(block.Source) : windows[block.Source] ??= new TsmWindow(file, file.IndexEnd, windowSize);
        ReadOnlySpan<byte> bytes = window.Read(entry.Offset, (int)entry.Size);
        var body = bytes[TsmFormat.ChecksumSize..];
        checksum.Reset();
        checksum.Update(body);
        var stored = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (checksum.Value != stored)
        {
            throw new TsmFormatException($"Checksum mismatch: {stored:x8} is stored, the bytes have {checksum.Value:x8}. They changed after they were written.");
        }
        if ((TsmBlockType)body[0] != block.Type)
        {
            throw new TsmFormatException($"It is of type {((TsmBlockType)body[0]).Describe()}, the index says {block.Type.Describe()}.");
        }
        return body;
    }

    /// <summary>
    /// The columns of a series are open together, some hundred at most. Servers put 1000 to 10 000 points into a block; one of thirty
    /// bytes can claim a million, and the memory of all columns must not follow such claims.
    /// </summary>
    private void Unpack(ReadOnlySpan<byte> body, TsmPoints points)
    {
        unpacked -= points.PointRoom;
        try
        {
            points.Decode(body);
        }
        finally
        {
            unpacked += points.PointRoom;
        }
        if (unpacked > MostUnpacked)
        {
            unpacked -= points.PointRoom;
            points.Dispose();
            throw new TsmFormatException($"Its points and those of other fields at the same time take more than {MostUnpacked >> 20} MB unpacked.");
        }
    }

    private TsmWindow LargeWindow(int source)
    {
        if (large is null || largeSource != source)
        {
            large?.Dispose();
            (large, largeSource) = (new TsmWindow(sources[source].File, sources[source].File.IndexEnd, windowSize), source);
        }
        return large;
    }

    /// <summary>The merge relies on the order, and on the index for which blocks overlap.</summary>
    private static void CheckTimes(ReadOnlySpan<long> times, TsmIndexEntry entry)
    {
        if (times.IsEmpty || times[0] != entry.MinTime || times[^1] != entry.MaxTime)
        {
            throw new TsmFormatException("Its times are not those that the index gives.");
        }
        var ascends = true;
        for (var i = 1; i < times.Length; i++)
        {
            ascends &= times[i] > times[i - 1];
        }
        if (!ascends)
        {
            throw new TsmFormatException("Its times do not ascend.");
        }
    }

    /// <summary>Room for the points of a block. A column may have a thousand files, of which few have points at one time.</summary>
    public TsmPoints RentPoints() => idle.TryPop(out var points) ? points : new TsmPoints();

    public void ReturnPoints(TsmPoints points)
    {
        if (points.Room > LargestKept)
        {
            unpacked -= points.PointRoom;
            points.Dispose();
        }
        idle.Push(points);
    }

    public void Dispose()
    {
        large?.Dispose();
        foreach (var points in idle)
        {
            points.Dispose();
        }
        foreach (var window in windows)
        {
            window?.Dispose();
        }
    }
}
