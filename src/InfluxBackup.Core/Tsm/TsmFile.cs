using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace InfluxBackup.Tsm;

/// <summary>
/// A TSM file, open for reading at any position. Opening reads nothing: what the bytes are worth is found by
/// <see cref="ReadIndex"/>, which throws at the first thing that is wrong, and by <see cref="TsmFileVerifier"/>,
/// which reports all of them.
/// </summary>
/// <remarks>
/// The file is read in pieces, not memory mapped. Mapped pages count as the process's memory, so that a pass over a
/// file of 2 GiB costs 2 GiB of working set, and an I/O error or a file that shrinks meanwhile ends the process instead
/// of throwing. Positional reads cost one copy.
/// </remarks>
public sealed class TsmFile : IDisposable
{
    private readonly SafeFileHandle? handle;
    private readonly ReadOnlyMemory<byte> memory;

    private TsmFile(string name, long length, SafeFileHandle? handle, ReadOnlyMemory<byte> memory)
    {
        FileName = name;
        Length = length;
        this.handle = handle;
        this.memory = memory;
    }

    /// <summary>Opens a file; others may read, write or delete it meanwhile, as a server's compaction does.</summary>
    public static TsmFile Open(string path)
    {
        var handle = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return new TsmFile(path, RandomAccess.GetLength(handle), handle, default);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A file that is open already, and needs no name any more; closed with this object.</summary>
    internal static TsmFile FromHandle(SafeFileHandle handle, string name) => new(name, RandomAccess.GetLength(handle), handle, default);

    /// <summary>A file that is in memory already.</summary>
    public static TsmFile FromMemory(ReadOnlyMemory<byte> bytes, string name) => new(name, bytes.Length, null, bytes);

    /// <summary>The path or name, as given.</summary>
    public string FileName { get; }

    /// <summary>Length in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>
    /// Reads the index from its first key on. Throws <see cref="TsmFormatException"/> if this is no TSM file of version 1,
    /// has no index, or, while reading, where the index runs over its end or is out of order.
    /// </summary>
    /// <param name="windowSize">How many bytes are read at once: less where many files are open.</param>
    public TsmIndexReader ReadIndex(int windowSize = TsmWindow.Size)
    {
        CheckHeader();
        var start = CheckFooter();
        if (start == IndexEnd)
        {
            throw new TsmFormatException("The index is empty.", start);
        }
        return new TsmIndexReader(this, start, strict: true, windowSize);
    }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (offset > Length - destination.Length)
        {
            throw new TsmFormatException($"{destination.Length} bytes at offset {offset} reach beyond the end of the file at {Length}.", offset);
        }
        if (handle is null)
        {
            memory.Span.Slice((int)offset, destination.Length).CopyTo(destination);
            return;
        }
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
            {
                throw new EndOfStreamException($"{FileName} became shorter while it was read: no byte at offset {offset}.");
            }
            offset += read;
            destination = destination[read..];
        }
    }

    /// <summary>The bytes themselves where the file is in memory and has them; no copy.</summary>
    internal bool TryGetMemory(long offset, int length, out ReadOnlySpan<byte> bytes)
    {
        var isThere = handle is null && offset >= 0 && offset <= Length - length;
        bytes = isThere ? memory.Span.Slice((int)offset, length) : default;
        return isThere;
    }

    /// <summary>Throws unless the file begins like a TSM file of version 1.</summary>
    internal void CheckHeader()
    {
        if (Length == 0)
        {
            throw new TsmFormatException("The file is empty: not a TSM file.");
        }
        Span<byte> header = stackalloc byte[TsmFormat.HeaderSize];
        header = header[..(int)Math.Min(Length, header.Length)];
        Read(0, header);
        if (header.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32BigEndian(header) != TsmFormat.Magic)
        {
            throw new TsmFormatException(
                $"Not a TSM file: it begins with {Convert.ToHexString(header[..Math.Min(header.Length, 4)])}, not with {TsmFormat.Magic:X8}.");
        }
        if (header.Length == TsmFormat.HeaderSize && header[4] != TsmFormat.Version)
        {
            throw new TsmFormatException($"Unknown TSM version {header[4]}; only version {TsmFormat.Version} is known.", 4);
        }
    }

    /// <summary>Throws unless the footer points into the file; returns where the index starts.</summary>
    internal long CheckFooter()
    {
        const int Smallest = TsmFormat.HeaderSize + TsmFormat.FooterSize;
        if (Length < Smallest)
        {
            throw new TsmFormatException($"The file is too short: {Length} bytes, header and footer alone take {Smallest}.", Length);
        }
        Span<byte> footer = stackalloc byte[TsmFormat.FooterSize];
        Read(IndexEnd, footer);
        var start = BinaryPrimitives.ReadUInt64BigEndian(footer);
        if (start < TsmFormat.HeaderSize || start > (ulong)IndexEnd)
        {
            throw new TsmFormatException(
                $"The footer says that the index starts at offset {start}; it must lie between {TsmFormat.HeaderSize} and {IndexEnd}. " +
                "The file is damaged or cut off.", IndexEnd);
        }
        return (long)start;
    }

    /// <summary>Where the index ends and the footer begins.</summary>
    internal long IndexEnd => Length - TsmFormat.FooterSize;

    public void Dispose() => handle?.Dispose();
}
