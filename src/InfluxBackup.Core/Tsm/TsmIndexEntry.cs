using System.Buffers.Binary;

namespace InfluxBackup.Tsm;

/// <summary>
/// Where one block lies and which times it covers, as the index says.
/// <code>min time (8) │ max time (8) │ offset of the checksum (8) │ size of checksum and block (4)</code>
/// The numbers are as found: only <see cref="FitsIn"/> tells whether the block lies between header and index.
/// </summary>
/// <param name="MinTime">First time in the block, in nanoseconds since 1970.</param>
/// <param name="MaxTime">Last time in the block.</param>
/// <param name="Offset">Position in the file; negative if the file says something beyond 2^63.</param>
/// <param name="Size">Bytes of checksum and block together.</param>
public readonly record struct TsmIndexEntry(long MinTime, long MaxTime, long Offset, uint Size)
{
    internal static TsmIndexEntry Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64BigEndian(bytes),
        BinaryPrimitives.ReadInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadInt64BigEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]));

    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, MinTime);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], MaxTime);
        BinaryPrimitives.WriteInt64BigEndian(bytes[16..], Offset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[24..], Size);
    }

    /// <summary>Position of the block itself, behind its checksum.</summary>
    public long BlockOffset => Offset + TsmFormat.ChecksumSize;

    /// <summary>Bytes of the block without its checksum.</summary>
    public long BlockSize => (long)Size - TsmFormat.ChecksumSize;

    /// <summary>Whether checksum and at least the type byte lie between the header and <paramref name="indexStart"/>.</summary>
    public bool FitsIn(long indexStart) =>
        Offset >= TsmFormat.HeaderSize && Offset <= indexStart && BlockSize >= 1 && Size <= indexStart - Offset;
}
