using System.Buffers;
using System.Buffers.Binary;

namespace InfluxBackup.Tsm;

/// <summary>
/// Writes a TSM file of version 1 from front to back; the stream need not be seekable. <see cref="TsmFormat"/> draws the file.
/// <code>
/// writer.BeginKey(key, type);
/// writer.WriteBlock(minTime, maxTime, block);     blocks as they are, without checksum
/// …
/// if (!writer.IsEmpty)
///     writer.Complete();
/// </code>
/// Nothing reaches the stream before the first block, and a file is none before <see cref="Complete"/>: servers know no TSM file
/// without points. A key without blocks does not appear in the file. What would make a file that a server does not read
/// (order, limits) is refused; whether a block holds what it claims is the caller's to know.
/// </summary>
/// <remarks>
/// Memory: 64 KiB before the stream, the entries of one key (at most 1.8 MB), and the index up to
/// <see cref="LargestIndexInMemory"/>; a larger one goes to a temporary file.
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/writer.go</c>.
/// </remarks>
public sealed class TsmWriter : IDisposable
{
    /// <summary>An index of some 40,000 keys.</summary>
    public const int LargestIndexInMemory = 4 << 20;

    private const int BufferSize = 64 << 10;

    private readonly BufferedStream output;
    private readonly TsmIndexSpool index;
    private readonly ArrayBufferWriter<byte> entries = new(TsmFormat.IndexEntrySize);
    private readonly GzipChecksum checksum = new();
    private byte[] key = [];
    private int keyLength = -1;
    private TsmBlockType type;
    private int blockCount;
    private long lastTime;
    private long position;
    private bool completed;

    /// <param name="destination">Where the file goes; stays the caller's.</param>
    /// <param name="spoolDirectory">Where a large index waits meanwhile; the directory for temporary files unless given.</param>
    /// <param name="largestIndexInMemory">An index of more bytes waits in a file.</param>
    public TsmWriter(Stream destination, string? spoolDirectory = null, int largestIndexInMemory = LargestIndexInMemory)
    {
        ArgumentNullException.ThrowIfNull(destination);
        output = new BufferedStream(destination, BufferSize);
        index = new TsmIndexSpool(spoolDirectory ?? Path.GetTempPath(), largestIndexInMemory);
    }

    /// <summary>Keys that have a block.</summary>
    public long Keys { get; private set; }

    public long Blocks { get; private set; }

    /// <summary>Whether there is no block yet. A file without any cannot be completed, and nothing has been written to the stream.</summary>
    public bool IsEmpty => Blocks == 0;

    /// <summary>How long the file is if it is completed now, in bytes.</summary>
    public long Length => IsEmpty ? 0 : position + index.Length + PendingIndexLength + TsmFormat.FooterSize;

    private int PendingIndexLength =>
        blockCount == 0 ? 0 : TsmFormat.KeyLengthSize + keyLength + TsmFormat.TypeAndCountSize + entries.WrittenCount;

    /// <summary>Begins the next composite key, which must be greater than the one before it, byte by byte.</summary>
    public void BeginKey(ReadOnlySpan<byte> key, TsmBlockType type)
    {
        ThrowIfCompleted();
        if (key.IsEmpty || key.Length > TsmFormat.MaxKeyLength)
        {
            throw new ArgumentException($"A key has 1 to {TsmFormat.MaxKeyLength} bytes, not {key.Length}.", nameof(key));
        }
        if (!type.IsKnown())
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown type of blocks.");
        }
        if (keyLength >= 0 && this.key.AsSpan(0, keyLength).SequenceCompareTo(key) >= 0)
        {
            throw new ArgumentException(
                $"Keys must ascend: {TsmKey.Describe(key)} cannot follow {TsmKey.Describe(this.key.AsSpan(0, keyLength))}.", nameof(key));
        }
        EndKey();
        if (this.key.Length < key.Length)
        {
            this.key = new byte[Math.Min(TsmFormat.MaxKeyLength, Math.Max(key.Length, this.key.Length * 2))];
        }
        key.CopyTo(this.key);
        keyLength = key.Length;
        this.type = type;
    }

    /// <summary>Writes the next block of the key and computes its checksum. Its times must lie behind those of the block before it.</summary>
    /// <param name="minTime">First time in the block.</param>
    /// <param name="maxTime">Last time in the block.</param>
    /// <param name="block">The block from its type byte on, without checksum.</param>
    public void WriteBlock(long minTime, long maxTime, ReadOnlySpan<byte> block)
    {
        ThrowIfCompleted();
        CheckBlock(minTime, maxTime, block);
        if (IsEmpty)
        {
            WriteHeader();
        }
        checksum.Reset();
        checksum.Update(block);
        Span<byte> crc = stackalloc byte[TsmFormat.ChecksumSize];
        BinaryPrimitives.WriteUInt32BigEndian(crc, checksum.Value);

        new TsmIndexEntry(minTime, maxTime, position, (uint)(block.Length + TsmFormat.ChecksumSize)).Write(entries.GetSpan(TsmFormat.IndexEntrySize));
        entries.Advance(TsmFormat.IndexEntrySize);
        Write(crc);
        Write(block);
        lastTime = maxTime;
        blockCount++;
        Blocks++;
    }

    /// <summary>Writes index and footer and flushes the stream. Without this there is no file.</summary>
    public void Complete()
    {
        ThrowIfCompleted();
        if (IsEmpty)
        {
            throw new InvalidOperationException("A TSM file needs at least one block.");
        }
        EndKey();
        completed = true;
        index.CopyTo(output);
        Span<byte> footer = stackalloc byte[TsmFormat.FooterSize];
        BinaryPrimitives.WriteInt64BigEndian(footer, position);
        output.Write(footer);
        output.Flush();
    }

    private void CheckBlock(long minTime, long maxTime, ReadOnlySpan<byte> block)
    {
        if (keyLength < 0)
        {
            throw new InvalidOperationException("A block needs a key: none has been begun.");
        }
        if (block.IsEmpty || (TsmBlockType)block[0] != type)
        {
            throw new ArgumentException(
                $"The block of {DescribeKey()} is {(block.IsEmpty ? "empty" : $"of {((TsmBlockType)block[0]).Describe()}")}, the key is of {type.Describe()}.", nameof(block));
        }
        if (minTime > maxTime || (blockCount > 0 && minTime <= lastTime))
        {
            throw new ArgumentException(
                $"The blocks of {DescribeKey()} must ascend and not overlap: {TsmTime.Describe(minTime)} to {TsmTime.Describe(maxTime)} cannot follow " +
                $"{(blockCount > 0 ? TsmTime.Describe(lastTime) : "nothing")}.", nameof(minTime));
        }
        if (blockCount == TsmFormat.MaxBlocksPerKey)
        {
            throw new InvalidOperationException($"{DescribeKey()} has {TsmFormat.MaxBlocksPerKey} blocks; a TSM file cannot hold more of one key.");
        }
    }

    private void WriteHeader()
    {
        Span<byte> header = stackalloc byte[TsmFormat.HeaderSize];
        BinaryPrimitives.WriteUInt32BigEndian(header, TsmFormat.Magic);
        header[4] = TsmFormat.Version;
        Write(header);
    }

    private void EndKey()
    {
        if (blockCount == 0)
        {
            return;
        }
        Span<byte> number = stackalloc byte[TsmFormat.TypeAndCountSize];
        BinaryPrimitives.WriteUInt16BigEndian(number, (ushort)keyLength);
        index.Write(number[..TsmFormat.KeyLengthSize]);
        index.Write(key.AsSpan(0, keyLength));
        number[0] = (byte)type;
        BinaryPrimitives.WriteUInt16BigEndian(number[1..], (ushort)blockCount);
        index.Write(number);
        index.Write(entries.WrittenSpan);
        entries.ResetWrittenCount();
        blockCount = 0;
        Keys++;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        position += bytes.Length;
    }

    private string DescribeKey() => TsmKey.Describe(key.AsSpan(0, keyLength));

    private void ThrowIfCompleted()
    {
        if (completed)
        {
            throw new InvalidOperationException("The TSM file is complete.");
        }
    }

    /// <summary>Lets go of the index. The stream stays open, and what was not completed is no TSM file.</summary>
    public void Dispose() => index.Dispose();
}
