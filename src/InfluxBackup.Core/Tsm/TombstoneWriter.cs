using System.Buffers.Binary;

namespace InfluxBackup.Tsm;

/// <summary>
/// Writes a tombstone file of version 2, which every server since 0.13 reads; <see cref="TombstoneFile"/> draws it. Servers since 1.4
/// would pack the records, which saves space and nothing else.
/// </summary>
/// <param name="destination">Where the file goes; stays the caller's, who buffers it.</param>
public sealed class TombstoneWriter(Stream destination)
{
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
        if (Records == 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(numbers, TombstoneFile.Magic | 2);
            destination.Write(numbers[..sizeof(uint)]);
        }
        BinaryPrimitives.WriteUInt32BigEndian(numbers, (uint)key.Length);
        destination.Write(numbers[..sizeof(uint)]);
        destination.Write(key);
        BinaryPrimitives.WriteInt64BigEndian(numbers, range.Min);
        BinaryPrimitives.WriteInt64BigEndian(numbers[sizeof(long)..], range.Max);
        destination.Write(numbers);
        Records++;
    }
}
