using System.Buffers;
using System.Runtime.InteropServices;
using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>Writes what a cache holds as a TSM file.</summary>
internal sealed class WalRunWriter(string directory)
{
    private const int PointsPerBlock = 1000;

    /// <summary>A block of strings ends when they take so much, that packing it takes little memory.</summary>
    private const int TextPerBlock = 4 << 20;

    /// <summary>The index of a run waits in memory up to so many bytes.</summary>
    private const int LargestIndexInMemory = 512 << 10;

    private const int BufferSize = 64 << 10;

    private readonly TsmBlockEncoder encoder = new();
    private readonly ArrayBufferWriter<byte> block = new();
    private readonly bool[] booleans = new bool[PointsPerBlock];
    private readonly Range[] strings = new Range[PointsPerBlock];

    /// <summary>Writes the file. Returns how many points it has; where none is left there is no file.</summary>
    public long Write(WalCache cache, string name, CancellationToken cancel)
    {
        var points = 0L;
        var path = Path.Combine(directory, name);
        using (var file = Create(path))
        using (var writer = new TsmWriter(file, directory, LargestIndexInMemory))
        {
            foreach (var key in cache.Sort())
            {
                cancel.ThrowIfCancellationRequested();
                points += key.Count;
                if (key.Count > 0)
                {
                    Write(key, writer);
                }
            }
            if (!writer.IsEmpty)
            {
                writer.Complete();
                return points;
            }
        }
        File.Delete(path);
        return 0;
    }

    /// <summary>A file for its owner alone: it holds data.</summary>
    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = BufferSize };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        return new FileStream(path, options);
    }

    private void Write(WalCachedKey key, TsmWriter writer)
    {
        writer.BeginKey(key.Key, key.Type);
        for (var start = 0; start < key.Count;)
        {
            var count = BlockLength(key, start);
            var times = key.Times.Slice(start, count);
            var values = key.Values.Slice(start, count);
            block.ResetWrittenCount();
            switch (key.Type)
            {
                case TsmBlockType.Float:
                    encoder.Encode(times, MemoryMarshal.Cast<long, double>(values), block);
                    break;
                case TsmBlockType.Integer:
                    encoder.Encode(times, values, block);
                    break;
                case TsmBlockType.Unsigned:
                    encoder.Encode(times, MemoryMarshal.Cast<long, ulong>(values), block);
                    break;
                case TsmBlockType.Boolean:
                    for (var i = 0; i < count; i++)
                    {
                        booleans[i] = values[i] != 0;
                    }
                    encoder.Encode(times, booleans.AsSpan(0, count), block);
                    break;
                default:
                    for (var i = 0; i < count; i++)
                    {
                        strings[i] = WalCachedKey.RangeOf(values[i]);
                    }
                    encoder.Encode(times, strings.AsSpan(0, count), key.Text, block);
                    break;
            }
            writer.WriteBlock(times[0], times[^1], block.WrittenSpan);
            start += count;
        }
    }

    private static int BlockLength(WalCachedKey key, int start)
    {
        var most = Math.Min(PointsPerBlock, key.Count - start);
        if (key.Type != TsmBlockType.String)
        {
            return most;
        }
        var (count, length) = (0, 0L);
        while (count < most && length < TextPerBlock)
        {
            length += (int)key.Values[start + count++];
        }
        return count;
    }
}
