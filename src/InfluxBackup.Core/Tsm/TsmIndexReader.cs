using System.Buffers;
using System.Buffers.Binary;

namespace InfluxBackup.Tsm;

/// <summary>
/// Reads the index of a TSM file from front to back, in constant memory.
/// <code>
/// ┌────────────┬─────┬──────┬───────┬──────────────────────────────────────┬─────
/// │ key length │ key │ type │ count │ count × (min, max, offset, size)     │ next key…
/// │ 2          │ n   │ 1    │ 2     │ count × 28                           │
/// └────────────┴─────┴──────┴───────┴──────────────────────────────────────┴─────
/// </code>
/// <code>
/// while (index.ReadKey())
///     while (index.ReadEntry(out var entry))
///         …
/// </code>
/// An entry that would run over the end of the index is a <see cref="TsmFormatException"/>. So are keys and entries out
/// of order, as whoever merges files relies on the order. That the block of an entry lies in the file is the caller's
/// to check.
/// </summary>
public sealed class TsmIndexReader : IDisposable
{
    private readonly TsmWindow window;
    private readonly bool strict;
    private long position;
    private byte[] key = [];
    private byte[] previousKey = [];
    private int keyLength = -1;
    private int previousKeyLength = -1;
    private int entriesLeft;
    private TsmIndexEntry previousEntry;

    /// <param name="file">The file.</param>
    /// <param name="start">Where its index starts, as the checked footer says.</param>
    /// <param name="strict">Whether wrong order throws, or is only shown.</param>
    /// <param name="windowSize">How many bytes are read at once.</param>
    internal TsmIndexReader(TsmFile file, long start, bool strict, int windowSize = TsmWindow.Size)
    {
        window = new TsmWindow(file, file.IndexEnd, windowSize);
        this.strict = strict;
        Start = position = start;
        End = file.IndexEnd;
    }

    /// <summary>Where the index starts, which is where the blocks end.</summary>
    public long Start { get; }

    /// <summary>Where the index ends and the footer begins.</summary>
    public long End { get; }

    /// <summary>The composite key, valid until the next <see cref="ReadKey"/>.</summary>
    public ReadOnlySpan<byte> Key => key.AsSpan(0, Math.Max(keyLength, 0));

    /// <summary>The type of all blocks of the key, as found; it may be none that is known.</summary>
    public TsmBlockType Type { get; private set; }

    /// <summary>How many blocks the key has.</summary>
    public int BlockCount { get; private set; }

    /// <summary>Where the key's part of the index starts in the file.</summary>
    public long KeyOffset { get; private set; }

    /// <summary>Where the entry that was read last starts in the file.</summary>
    public long EntryOffset { get; private set; }

    /// <summary>Whether the key is greater than the one before it.</summary>
    internal bool KeyIsInOrder => previousKeyLength < 0 || previousKey.AsSpan(0, previousKeyLength).SequenceCompareTo(Key) < 0;

    /// <summary>Whether <see cref="Key"/> is that of the entry at <see cref="KeyOffset"/>, although the rest of it may be damaged.</summary>
    internal bool KeyIsRead { get; private set; }

    /// <summary>The key before, for messages.</summary>
    internal ReadOnlySpan<byte> PreviousKey => previousKey.AsSpan(0, Math.Max(previousKeyLength, 0));

    /// <summary>Goes on to the next key, passing over entries that were not read. False at the end of the index.</summary>
    public bool ReadKey()
    {
        position += (long)entriesLeft * TsmFormat.IndexEntrySize;
        entriesLeft = 0;
        if (position == End)
        {
            return false;
        }
        KeyOffset = position;
        KeyIsRead = false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(Take(TsmFormat.KeyLengthSize, "the length of a key"));
        StoreKey(Take(length, "a key"));
        var typeAndCount = Take(TsmFormat.TypeAndCountSize, "type and number of blocks of a key");
        Type = (TsmBlockType)typeAndCount[0];
        BlockCount = BinaryPrimitives.ReadUInt16BigEndian(typeAndCount[1..]);
        var room = (End - position) / TsmFormat.IndexEntrySize;
        if (BlockCount > room)
        {
            throw new TsmFormatException(
                $"The index is inconsistent: {TsmKey.Describe(Key)} claims {BlockCount} blocks, up to the footer there is room for {room}.", KeyOffset);
        }
        if (strict && !KeyIsInOrder)
        {
            throw new TsmFormatException($"The index is out of order: {TsmKey.Describe(Key)} follows {TsmKey.Describe(PreviousKey)}.", KeyOffset);
        }
        entriesLeft = BlockCount;
        return true;
    }

    /// <summary>The next block of the key. False after the last.</summary>
    public bool ReadEntry(out TsmIndexEntry entry)
    {
        if (entriesLeft == 0)
        {
            entry = default;
            return false;
        }
        EntryOffset = position;
        entry = TsmIndexEntry.Read(Take(TsmFormat.IndexEntrySize, "an entry"));
        var isFirst = entriesLeft-- == BlockCount;
        if (strict && (entry.MinTime > entry.MaxTime || (!isFirst && entry.MinTime <= previousEntry.MaxTime)))
        {
            throw new TsmFormatException($"The blocks of {TsmKey.Describe(Key)} overlap or are out of order.", EntryOffset);
        }
        previousEntry = entry;
        return true;
    }

    private ReadOnlySpan<byte> Take(int length, string what)
    {
        if (length > End - position)
        {
            throw new TsmFormatException(
                $"The index is inconsistent: {what} ({length} bytes at offset {position}) runs {length - (End - position)} bytes past the end of the index.",
                position);
        }
        var bytes = window.Read(position, length);
        position += length;
        return bytes;
    }

    /// <summary>Keeps the key apart from the window, which moves on, and the one before it for the comparison.</summary>
    private void StoreKey(ReadOnlySpan<byte> bytes)
    {
        (key, previousKey) = (previousKey, key);
        previousKeyLength = keyLength;
        if (key.Length < bytes.Length)
        {
            ArrayPool<byte>.Shared.Return(key);
            key = ArrayPool<byte>.Shared.Rent(bytes.Length);
        }
        bytes.CopyTo(key);
        keyLength = bytes.Length;
        KeyIsRead = true;
    }

    public void Dispose()
    {
        window.Dispose();
        ArrayPool<byte>.Shared.Return(key);
        ArrayPool<byte>.Shared.Return(previousKey);
        key = previousKey = [];
        keyLength = previousKeyLength = -1;
    }
}
