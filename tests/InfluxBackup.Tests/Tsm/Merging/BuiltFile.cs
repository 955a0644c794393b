using System.Buffers;
using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm.Merging;

/// <summary>A TSM file in memory, written block by block in the order of the calls, which is that of the keys.</summary>
internal sealed class BuiltFile
{
    private readonly ArrayBufferWriter<byte> block = new();
    private readonly TsmBlockEncoder encoder = new();
    private readonly List<(string Key, TsmBlockType Type, long First, long Last, byte[] Block)> blocks = [];

    public BuiltFile Integers(string series, string field, params (long Time, long Value)[] points) =>
        Write(series, field, TsmBlockType.Integer, [.. points.Select(p => p.Time)], times => encoder.Encode(times, points.Select(p => p.Value).ToArray(), block));

    /// <summary>The same string at ascending times.</summary>
    public BuiltFile Strings(string series, string field, byte[] text, params long[] times) =>
        Write(series, field, TsmBlockType.String, times, t => encoder.Encode(t, Enumerable.Repeat(..text.Length, times.Length).ToArray(), text, block));

    public byte[] ToArray()
    {
        using var stream = new MemoryStream();
        using var writer = new TsmWriter(stream);
        string? key = null;
        foreach (var (next, type, first, last, bytes) in blocks)
        {
            if (next != key)
            {
                key = next;
                writer.BeginKey(Encoding.UTF8.GetBytes(key), type);
            }
            writer.WriteBlock(first, last, bytes);
        }
        writer.Complete();
        return stream.ToArray();
    }

    private BuiltFile Write(string series, string field, TsmBlockType type, long[] times, Action<long[]> encode)
    {
        block.ResetWrittenCount();
        encode(times);
        blocks.Add(($"{series}#!~#{field}", type, times[0], times[^1], block.WrittenSpan.ToArray()));
        return this;
    }
}
