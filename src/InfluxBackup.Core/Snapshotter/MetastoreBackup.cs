using System.Buffers.Binary;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// Answer to a metastore backup; all numbers big-endian, 8 bytes:
/// <code>magic 59590101 | N | N bytes metadata | M | M bytes node JSON</code>
/// The same bytes are the <c>meta.NN</c> file of a legacy backup.
/// </summary>
/// <param name="Metadata">The metadata protobuf.</param>
/// <param name="Node">The node record, <c>{"ID":1}\n</c> or <c>null\n</c>.</param>
public sealed record MetastoreBackup(ReadOnlyMemory<byte> Metadata, ReadOnlyMemory<byte> Node)
{
    private const int NumberSize = 8;

    /// <summary>Whether the bytes begin as a metastore backup does.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= NumberSize && BinaryPrimitives.ReadUInt64BigEndian(bytes) == SnapshotterProtocol.MetastoreMagic;

    /// <summary>Reads the whole answer.</summary>
    /// <exception cref="InfluxBackupException">The lengths inside do not add up to the length of the answer.</exception>
    public static MetastoreBackup Parse(ReadOnlyMemory<byte> bytes, string subject)
    {
        var offset = NumberSize;
        if (!HasMagic(bytes.Span))
        {
            throw new InfluxBackupException(
                "MetadataDamaged", ErrorKind.InvalidData, $"The metadata of {subject} do not begin with the magic number of a metastore backup.")
            {
                Subject = subject,
            };
        }

        var metadata = ReadPart(bytes, ref offset, subject);
        var node = ReadPart(bytes, ref offset, subject);
        return offset == bytes.Length ? new MetastoreBackup(metadata, node) : throw Truncated(subject, bytes.Length, offset);
    }

    /// <summary>The answer as a server sends it.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[(3 * NumberSize) + Metadata.Length + Node.Length];
        var span = bytes.AsSpan();
        BinaryPrimitives.WriteUInt64BigEndian(span, SnapshotterProtocol.MetastoreMagic);
        BinaryPrimitives.WriteUInt64BigEndian(span[NumberSize..], (ulong)Metadata.Length);
        Metadata.Span.CopyTo(span[(2 * NumberSize)..]);
        span = span[((2 * NumberSize) + Metadata.Length)..];
        BinaryPrimitives.WriteUInt64BigEndian(span, (ulong)Node.Length);
        Node.Span.CopyTo(span[NumberSize..]);
        return bytes;
    }

    private static ReadOnlyMemory<byte> ReadPart(ReadOnlyMemory<byte> bytes, ref int offset, string subject)
    {
        if (bytes.Length - offset < NumberSize)
        {
            throw Truncated(subject, bytes.Length, offset + NumberSize);
        }

        var length = BinaryPrimitives.ReadUInt64BigEndian(bytes.Span[offset..]);
        offset += NumberSize;
        if (length > (ulong)(bytes.Length - offset))
        {
            throw Truncated(subject, bytes.Length, (decimal)offset + length);
        }

        var part = bytes.Slice(offset, (int)length);
        offset += (int)length;
        return part;
    }

    private static InfluxBackupException Truncated(string subject, int have, decimal want) =>
        new("MetadataTruncated", ErrorKind.InvalidData, $"The metadata of {subject} have {have} bytes where their own lengths say {want}.")
        {
            Subject = subject,
            IsTransient = true,
        };
}
