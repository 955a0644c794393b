using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Wal;

/// <summary>
/// Reads a segment of the write-ahead log, entry by entry. <see cref="WalFormat"/> draws it.
/// <code>
/// while (segment.Read())
///     while (segment.ReadKey())
///         switch (segment.Type)
///             Write:                 segment.Values
///             Delete, DeleteRange:   segment.MinTime, segment.MaxTime
/// if (segment.Warning is { } warning) …
/// </code>
/// An entry that is cut off or damaged ends the segment: a server that starts truncates the file there and goes on with the next
/// segment. Entries before it are valid, of the damaged one nothing is returned.
/// </summary>
public sealed class WalSegmentReader : IDisposable
{
    private const int BufferSize = 64 << 10;

    private readonly Stream stream;
    private readonly byte[] header = new byte[WalFormat.EntryHeaderSize];
    private byte[] packed = [];
    private byte[] data = [];
    private Range key;
    private Range values;
    private TsmBlockType valueType;
    private int valueCount;
    private int at;
    private long position;
    private bool ended;

    private WalSegmentReader(Stream stream, string name)
    {
        this.stream = stream;
        FileName = name;
        Length = stream.Length;
    }

    /// <summary>Opens a file; a server may go on writing it, but what it adds is not read.</summary>
    public static WalSegmentReader Open(string path) => Open(
        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, BufferSize, FileOptions.SequentialScan), path);

    /// <summary>Reads from a seekable stream, which is disposed of with this object.</summary>
    public static WalSegmentReader Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new WalSegmentReader(stream, name);
    }

    public string FileName { get; }

    /// <summary>Length in bytes when it was opened.</summary>
    public long Length { get; }

    public WalEntryType Type { get; private set; }

    /// <summary>Where the entry begins in the file.</summary>
    public long Offset { get; private set; }

    /// <summary>Where the entry ends and the next one begins; after the last, where the valid part of the file ends.</summary>
    public long EndOffset { get; private set; }

    /// <summary>How many entries were read.</summary>
    public long Entries { get; private set; }

    /// <summary>A composite key of the entry, valid until the next <see cref="ReadKey"/>.</summary>
    public ReadOnlySpan<byte> Key => data.AsSpan()[key];

    /// <summary>The points that a write entry adds to the key.</summary>
    public WalValues Values => Type == WalEntryType.Write
        ? new WalValues(valueType, valueCount, data.AsSpan()[values])
        : throw new InvalidOperationException("An entry that deletes has no values.");

    /// <summary>The first time that is deleted.</summary>
    public long MinTime { get; private set; }

    /// <summary>The last time that is deleted.</summary>
    public long MaxTime { get; private set; }

    /// <summary>Set after the last entry if the file ends in the middle of one, or one is damaged: names file, offset and cause.</summary>
    public string? Warning { get; private set; }

    /// <summary>Pass over write entries without unpacking them. Then their damage is not found.</summary>
    internal bool SkipsWrites { get; set; }

    /// <summary>Goes on at the beginning of an entry.</summary>
    internal void Seek(long offset)
    {
        stream.Position = offset;
        position = EndOffset = offset;
    }

    /// <summary>
    /// Reads the next entry and checks all of it. False at the end. Throws <see cref="TsmFormatException"/> only if an entry is
    /// too large to be read, although it may be sound.
    /// </summary>
    public bool Read()
    {
        (key, values, at) = (default, default, 0);
        while (!ended)
        {
            if (ReadEntry() is { } damage)
            {
                End(damage);
            }
            else if (!ended && !(SkipsWrites && Type == WalEntryType.Write))
            {
                return true;
            }
        }
        data = [];
        return false;
    }

    /// <summary>The next key of the entry. False after the last.</summary>
    public bool ReadKey() => at < data.Length && Type switch
    {
        WalEntryType.Write => ReadWrite() is null,
        WalEntryType.DeleteRange => ReadRangeKey() is null,
        _ => ReadLine(),
    };

    /// <summary>Reads one entry; returns what is wrong with it.</summary>
    private string? ReadEntry()
    {
        Offset = position;
        var read = Fill(header, WalFormat.EntryHeaderSize);
        if (read == 0)
        {
            ended = true;
            return null;
        }
        if (read < WalFormat.EntryHeaderSize)
        {
            return $"the last entry is cut off after {read} bytes";
        }
        Type = (WalEntryType)header[0];
        var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(WalFormat.TypeSize));
        if (Type is not (WalEntryType.Write or WalEntryType.Delete or WalEntryType.DeleteRange))
        {
            return $"entry {Entries + 1} has the unknown type {header[0]}";
        }
        if (length > Length - position)
        {
            return $"entry {Entries + 1} is cut off: of its {length} bytes there are {Length - position}";
        }
        if (length > WalFormat.MaxEntrySize)
        {
            throw TooLarge(length);
        }
        if (SkipsWrites && Type == WalEntryType.Write)
        {
            stream.Seek(length, SeekOrigin.Current);
            position += length;
            EndOffset = position;
            return null;
        }
        if (ReadData((int)length) is { } damage)
        {
            return damage;
        }
        EndOffset = position;
        Entries++;
        return null;
    }

    private string? ReadData(int length)
    {
        if (packed.Length < length)
        {
            ArrayPool<byte>.Shared.Return(packed);
            packed = ArrayPool<byte>.Shared.Rent(length);
        }
        if (Fill(packed, length) < length)
        {
            return $"entry {Entries + 1} is cut off: the file became shorter while it was read";
        }
        ReadOnlySpan<byte> block = packed.AsSpan(0, length);
        if (Uvarint.TryTake(ref block, out var unpacked) && unpacked > WalFormat.MaxEntrySize && unpacked <= (ulong)length * WalFormat.MostUnpackedPerByte)
        {
            throw TooLarge((long)unpacked);
        }
        // The array before is garbage now; held on to, it would add to the one that comes.
        data = [];
        try
        {
            data = SnappyBlock.Decode(packed.AsSpan(0, length), WalFormat.MaxEntrySize);
        }
        catch (TsmFormatException e)
        {
            return $"entry {Entries + 1} is damaged: {e.Message}";
        }
        return Check() is { } damage ? $"entry {Entries + 1} is damaged: {damage}" : null;
    }

    /// <summary>Goes through the entry once, so that nothing of it is returned when something in it is wrong.</summary>
    private string? Check()
    {
        if (Type == WalEntryType.Delete)
        {
            (MinTime, MaxTime) = (long.MinValue, long.MaxValue);
            return null;
        }
        if (Type == WalEntryType.DeleteRange)
        {
            if (data.Length < 2 * WalFormat.TimeSize)
            {
                return "the times of the delete are cut off";
            }
            MinTime = BinaryPrimitives.ReadInt64BigEndian(data);
            MaxTime = BinaryPrimitives.ReadInt64BigEndian(data.AsSpan(WalFormat.TimeSize));
        }
        var start = at = Type == WalEntryType.DeleteRange ? 2 * WalFormat.TimeSize : 0;
        string? damage = null;
        while (damage is null && at < data.Length)
        {
            damage = Type == WalEntryType.Write ? ReadWrite() : ReadRangeKey();
        }
        (key, values, at) = (default, default, start);
        return damage;
    }

    /// <summary>Moves to the next key of a write entry; returns what is wrong with it.</summary>
    private string? ReadWrite()
    {
        var rest = data.AsSpan(at);
        const int BeforeKey = WalFormat.TypeSize + WalFormat.KeyLengthSize;
        if (rest.Length < BeforeKey)
        {
            return "a key is cut off";
        }
        valueType = WalFormat.ToBlockType(rest[0]);
        if (!valueType.IsKnown())
        {
            return $"unknown type {rest[0]} of values";
        }
        var keyLength = BinaryPrimitives.ReadUInt16BigEndian(rest[WalFormat.TypeSize..]);
        if (keyLength == 0 || rest.Length - BeforeKey - keyLength < WalFormat.CountSize)
        {
            return keyLength == 0 ? "a key is empty" : "a key is cut off";
        }
        var count = BinaryPrimitives.ReadUInt32BigEndian(rest[(BeforeKey + keyLength)..]);
        var start = BeforeKey + keyLength + WalFormat.CountSize;
        var size = count == 0 ? -1 : WalValues.Measure(valueType, count, rest[start..]);
        if (size < 0)
        {
            return $"{TsmKey.Describe(rest.Slice(BeforeKey, keyLength))} claims {count} values, which the {rest.Length - start} bytes that follow don't hold";
        }
        key = Slice(at + BeforeKey, keyLength);
        values = Slice(at + start, size);
        valueCount = (int)count;
        at += start + size;
        return null;
    }

    /// <summary>Moves to the next key of a delete range; returns what is wrong with it.</summary>
    private string? ReadRangeKey()
    {
        var rest = data.AsSpan(at);
        if (rest.Length < WalFormat.LengthSize)
        {
            return "a key is cut off";
        }
        var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length is 0 or > TsmFormat.MaxKeyLength || length > rest.Length - WalFormat.LengthSize)
        {
            return $"a key claims {length} bytes, {rest.Length - WalFormat.LengthSize} follow";
        }
        key = Slice(at + WalFormat.LengthSize, (int)length);
        at += WalFormat.LengthSize + (int)length;
        return null;
    }

    /// <summary>Moves to the next key of a delete. A line that is empty, or longer than any key, deletes nothing.</summary>
    private bool ReadLine()
    {
        while (at < data.Length)
        {
            var end = data.AsSpan(at).IndexOf(WalFormat.Separator);
            var length = end < 0 ? data.Length - at : end;
            key = Slice(at, length);
            at += length + 1;
            if (length is > 0 and <= TsmFormat.MaxKeyLength)
            {
                return true;
            }
        }
        return false;
    }

    private static Range Slice(int start, int length) => start..(start + length);

    private int Fill(byte[] buffer, int count)
    {
        var read = stream.ReadAtLeast(buffer.AsSpan(0, (int)Math.Min(count, Length - position)), (int)Math.Min(count, Length - position), throwOnEndOfStream: false);
        position += read;
        return read;
    }

    private void End(string damage)
    {
        ended = true;
        EndOffset = Offset;
        Warning = string.Create(
            CultureInfo.InvariantCulture,
            $"The WAL segment '{FileName}' can't be read from offset {Offset} on: {damage}. {Entries} entries before that are read, {Length - Offset} bytes are not; a server drops them too.");
    }

    private TsmFormatException TooLarge(long length) => new(
        $"Entry {Entries + 1} of the WAL segment '{FileName}' at offset {Offset} is larger than the {WalFormat.MaxEntrySize >> 20} MiB that are accepted: {length} bytes.", Offset);

    public void Dispose()
    {
        ended = true;
        ArrayPool<byte>.Shared.Return(packed);
        (packed, data) = ([], []);
        stream.Dispose();
    }
}
