using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tsm.Merging;

/// <summary>Reads blocks of several files for one thread: checked, then unpacked.</summary>
internal sealed class BlockReader(IReadOnlyList<MergeSource> sources, Action<DamagedBlock>? onDamage) : IDisposable
{
    /// <summary>All windows together.</summary>
    private const int WindowBudget = 4 << 20;
    private const int SmallestWindow = 4 << 10;
    private const int LargestWindow = 128 << 10;

    private readonly TsmWindow?[] windows = new TsmWindow?[sources.Count];
    private readonly int windowSize = Math.Clamp(WindowBudget / Math.Max(1, sources.Count), SmallestWindow, LargestWindow);

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
            var offset = entry.BlockOffset + (error.Offset ?? 0);
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
        var entry = block.Entry;
        if (entry.BlockSize > TsmFormat.MaxBlockSize)
        {
            throw new TsmFormatException($"The block has {entry.BlockSize} bytes; more than {TsmFormat.MaxBlockSize} are not accepted.");
        }
        var file = sources[block.Source].File;
        var window = windows[block.Source] ??= new TsmWindow(file, file.IndexEnd, windowSize);
        ReadOnlySpan<byte> bytes = window.Read(entry.Offset, (int)entry.Size);
        var body = bytes[TsmFormat.ChecksumSize..];
        TsmBlockChecksum.Verify(bytes, body);
        if ((TsmBlockType)body[0] != block.Type)
        {
            throw new TsmFormatException($"The block is of type {((TsmBlockType)body[0]).Describe()}, the index says {block.Type.Describe()}.");
        }
        points.Decode(body);
        if (points.Count == 0 || points.Times[0] < entry.MinTime || points.Times[^1] > entry.MaxTime)
        {
            throw new TsmFormatException("The times of the block are not those that the index gives.");
        }
        if (!TimesAscend(points.Times))
        {
            throw new TsmFormatException("The times of the block do not ascend.");
        }
    }

    public void Dispose()
    {
        foreach (var window in windows)
        {
            window?.Dispose();
        }
    }
}
