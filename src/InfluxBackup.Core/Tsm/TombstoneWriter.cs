using System.Buffers.Binary;
using System.IO.Compression;

namespace InfluxBackup.Tsm;

/// <summary>
/// Writes a tombstone file of version 4, as servers since 1.5 do; <see cref="TombstoneFile"/> draws it. Version 2, without compression,
/// is no choice: servers read it, but damage each key while they read its times, and delete nothing.
/// </summary>
public sealed class TombstoneWriter : IDisposable
{
    private readonly Stream destination;
    private GZipStream? records;

    /// <param name="destination">Where the file goes; stays the caller's. A writer without records writes nothing.</param>
    public TombstoneWriter(Stream destination) => this.destination = destination;

    /// <summary>How many records were written.</summary>
    public long Records { get; private set; }

    /// <summary>Writes one record: what of a composite key is deleted.</summary>
    public void Write(ReadOnlySpan<byte> key, TimeRange range)
    {
        if (key.IsEmpty || key.Length > TsmFormat.MaxKeyLength)
        {
            throw new ArgumentException($"A key has 1 to {TsmFormat.MaxKeyLength} bytes, not {key.Length}.", nameof(key));
        }
        Span<byte> numbers = stackalloc byte[2 * sizeof(long)];
        if (records is null)
        {
            BinaryPrimitives.WriteUInt32BigEndian(numbers, TombstoneFile.Magic | 4);
            destination.Write(numbers[..sizeof(uint)]);
            records = new GZipStream(destination, CompressionLevel.Fastest, leaveOpen: true);
        }
        BinaryPrimitives.WriteUInt32BigEndian(numbers, (uint)key.Length);
        records.Write(numbers[..sizeof(uint)]);
        records.Write(key);
        BinaryPrimitives.WriteInt64BigEndian(numbers, range.Min);
        BinaryPrimitives.WriteInt64BigEndian(numbers[sizeof(long)..], range.Max);
        records.Write(numbers);
        Records++;
    }

    /// <summary>Ends the file. Without this it is none.</summary>
    public void Dispose() => records?.Dispose();
}
