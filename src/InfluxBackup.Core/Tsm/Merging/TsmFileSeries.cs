using System.Buffers;
using System.Globalization;

namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// Writes points as the TSM files of a shard: <c>000000001-000000001.tsm</c>, <c>-000000002.tsm</c>, …, one generation, a new file where
/// one is as large as a server makes them, or where a key has as many blocks as a file can hold of it. Keys ascend, and so do the times of a key.
/// </summary>
/// <param name="create">Makes a file of this name; it is disposed of when it is complete.</param>
/// <param name="spoolDirectory">Where a large index waits.</param>
/// <param name="largestFile">A file is ended before it has more bytes.</param>
internal sealed class TsmFileSeries(Func<string, Stream> create, string? spoolDirectory, long largestFile) : IDisposable
{
    private const int PointsPerBlock = 1000;

    /// <summary>A block of strings ends when they take so much, that packing it takes little memory.</summary>
    private const int TextPerBlock = 4 << 20;

    private readonly List<string> names = [];
    private readonly TsmPoints waiting = new();
    private readonly TsmBlockEncoder encoder = new();
    private readonly ArrayBufferWriter<byte> packed = new();
    private byte[] key = [];
    private int keyLength;
    private TsmBlockType type;
    private int blocksOfKey;
    private Stream? file;
    private TsmWriter? writer;

    /// <summary>The names of the files.</summary>
    public IReadOnlyList<string> Names => names;

    public void BeginKey(ReadOnlySpan<byte> key, TsmBlockType type)
    {
        Flush();
        if (this.key.Length < key.Length)
        {
            this.key = new byte[Math.Max(key.Length, 256)];
        }
        key.CopyTo(this.key);
        (keyLength, this.type) = (key.Length, type);
        waiting.Clear(type);
        writer?.BeginKey(key, type);
        blocksOfKey = 0;
    }

    /// <summary>Adds a block as it is.</summary>
    public void Add(long minTime, long maxTime, ReadOnlySpan<byte> block)
    {
        Flush();
        Write(minTime, maxTime, block);
    }

    /// <summary>Adds points; they go into blocks of the usual size.</summary>
    public void Add(TsmPoints points, int from, int count)
    {
        while (count > 0)
        {
            var taken = Math.Min(count, PointsPerBlock - waiting.Count);
            if (type == TsmBlockType.String)
            {
                taken = Math.Min(taken, 64);
            }
            waiting.Append(points, from, taken);
            from += taken;
            count -= taken;
            if (waiting.Count == PointsPerBlock || waiting.GatheredText >= TextPerBlock)
            {
                Flush();
            }
        }
    }

    /// <summary>Ends the last file.</summary>
    public void Complete()
    {
        Flush();
        EndFile();
    }

    private void Flush()
    {
        if (waiting.Count > 0)
        {
            packed.ResetWrittenCount();
            encoder.Encode(waiting, packed);
            Write(waiting.Times[0], waiting.Times[^1], packed.WrittenSpan);
            waiting.Clear(type);
        }
    }

    private void Write(long minTime, long maxTime, ReadOnlySpan<byte> block)
    {
        if (writer is not null && (blocksOfKey == TsmFormat.MaxBlocksPerKey || (!writer.IsEmpty && writer.Length + block.Length > largestFile)))
        {
            EndFile();
        }
        if (writer is null)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"000000001-{names.Count + 1:d9}.tsm");
            file = create(name);
            names.Add(name);
            writer = new TsmWriter(file, spoolDirectory);
            writer.BeginKey(key.AsSpan(0, keyLength), type);
            blocksOfKey = 0;
        }
        writer.WriteBlock(minTime, maxTime, block);
        blocksOfKey++;
    }

    private void EndFile()
    {
        writer?.Complete();
        CloseFile();
    }

    private void CloseFile()
    {
        writer?.Dispose();
        file?.Dispose();
        (writer, file) = (null, null);
    }

    public void Dispose()
    {
        CloseFile();
        waiting.Dispose();
    }
}
