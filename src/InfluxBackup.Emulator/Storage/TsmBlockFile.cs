using System.Buffers.Binary;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>A TSM file seen as blocks that are passed on without being decoded; the format is described in <see cref="TsmFormat"/>.</summary>
internal sealed class TsmBlockFile
{
    private readonly byte[] bytes;

    private TsmBlockFile(byte[] bytes)
    {
        this.bytes = bytes;
        (MinTime, MaxTime) = (long.MaxValue, long.MinValue);
        using var file = TsmFile.FromMemory(bytes, "");
        using var index = file.ReadIndex();
        while (index.ReadKey())
        {
            while (index.ReadEntry(out var entry))
            {
                MinTime = Math.Min(MinTime, entry.MinTime);
                MaxTime = Math.Max(MaxTime, entry.MaxTime);
            }
        }
    }

    public long MinTime { get; }

    public long MaxTime { get; }

    /// <summary>Reads the file and its index.</summary>
    /// <exception cref="TsmFormatException">It is not a TSM file.</exception>
    public static async Task<TsmBlockFile> ReadAsync(Stream content, CancellationToken cancel)
    {
        content.Position = 0;
        var bytes = new byte[content.Length];
        await content.ReadExactlyAsync(bytes, cancel).ConfigureAwait(false);
        return new TsmBlockFile(bytes);
    }

    /// <summary>Whether the file overlaps the range and reaches to or over one of its limits.</summary>
    public bool ReachesBeyond(long start, long end) =>
        (MinTime >= start && MinTime <= end && MaxTime > end)
        || (MaxTime >= start && MaxTime <= end && MinTime < start)
        || (MinTime <= start && MaxTime >= end);

    /// <summary>A TSM file of the blocks that overlap the range; null where none does.</summary>
    public byte[]? Select(long start, long end)
    {
        using var file = TsmFile.FromMemory(bytes, "");
        using var index = file.ReadIndex();
        using var blocks = new MemoryStream();
        using var newIndex = new MemoryStream();
        blocks.Write(bytes, 0, TsmFormat.HeaderSize);
        while (index.ReadKey())
        {
            var kept = new List<TsmIndexEntry>();
            while (index.ReadEntry(out var entry))
            {
                if (Overlaps(entry, start, end))
                {
                    kept.Add(entry with { Offset = blocks.Position });
                    blocks.Write(bytes.AsSpan(checked((int)entry.Offset), checked((int)entry.Size)));
                }
            }

            WriteKey(newIndex, index, kept);
        }

        if (newIndex.Length == 0)
        {
            return null;
        }

        var indexOffset = blocks.Position;
        newIndex.WriteTo(blocks);
        WriteNumber(blocks, indexOffset, TsmFormat.FooterSize);
        return blocks.ToArray();
    }

    /// <summary>The server's condition to the letter: with an end before the start, which a missing end becomes, it is not the usual one.</summary>
    private static bool Overlaps(TsmIndexEntry entry, long start, long end) =>
        (entry.MinTime >= start && entry.MinTime <= end)
        || (entry.MaxTime >= start && entry.MaxTime <= end)
        || (entry.MinTime <= start && entry.MaxTime >= end);

    private static void WriteKey(MemoryStream output, TsmIndexReader key, List<TsmIndexEntry> entries)
    {
        if (entries.Count == 0)
        {
            return;
        }

        WriteNumber(output, key.Key.Length, TsmFormat.KeyLengthSize);
        output.Write(key.Key);
        output.WriteByte((byte)key.Type);
        WriteNumber(output, entries.Count, TsmFormat.TypeAndCountSize - 1);
        foreach (var entry in entries)
        {
            WriteNumber(output, entry.MinTime, 8);
            WriteNumber(output, entry.MaxTime, 8);
            WriteNumber(output, entry.Offset, 8);
            WriteNumber(output, entry.Size, 4);
        }
    }

    private static void WriteNumber(MemoryStream output, long value, int size)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, value);
        output.Write(number[^size..]);
    }
}
