using System.Buffers;
using System.Text;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Tests.Tsm.Merging;

/// <summary>Points of one field at ascending times: double, long, ulong, bool or string, all of one type.</summary>
internal sealed record GeneratedBlock(string Series, string Field, IReadOnlyList<(long Time, object Value)> Points);

/// <summary>A delete of one field.</summary>
internal sealed record GeneratedDelete(string Series, string Field, TimeRange Times);

/// <summary>A TSM file and its tombstones, made of blocks; those of one field ascend and have one type.</summary>
internal sealed record GeneratedFile(IReadOnlyList<GeneratedBlock> Blocks, IReadOnlyList<GeneratedDelete> Deletes)
{
    public MergeSource Open(string name)
    {
        var file = TsmFile.FromMemory(ToTsm(), name);
        if (Deletes.Count == 0)
        {
            return new MergeSource(file, TombstoneRanges.None);
        }
        using var tombstones = TombstoneFile.Open(new MemoryStream(ToTombstones()), name);
        return new MergeSource(file, TombstoneRanges.Load(tombstones, CancellationToken.None));
    }

    public byte[] ToTsm()
    {
        using var stream = new MemoryStream();
        using var writer = new TsmWriter(stream);
        var encoder = new TsmBlockEncoder();
        foreach (var column in Blocks.GroupBy(b => Key(b.Series, b.Field)).OrderBy(g => g.Key, ByteOrder.Instance))
        {
            writer.BeginKey(Encoding.UTF8.GetBytes(column.Key), TypeOf(column.First().Points[0].Value));
            foreach (var block in column)
            {
                var bytes = new ArrayBufferWriter<byte>();
                Encode(encoder, block.Points, bytes);
                writer.WriteBlock(block.Points[0].Time, block.Points[^1].Time, bytes.WrittenSpan);
            }
        }
        writer.Complete();
        return stream.ToArray();
    }

    public byte[] ToTombstones()
    {
        using var stream = new MemoryStream();
        using (var writer = new TombstoneWriter(stream))
        {
            foreach (var delete in Deletes)
            {
                writer.Write(Encoding.UTF8.GetBytes(Key(delete.Series, delete.Field)), delete.Times);
            }
        }
        return stream.ToArray();
    }

    public static TsmBlockType TypeOf(object value) => value switch
    {
        double => TsmBlockType.Float,
        long => TsmBlockType.Integer,
        ulong => TsmBlockType.Unsigned,
        bool => TsmBlockType.Boolean,
        _ => TsmBlockType.String,
    };

    private static string Key(string series, string field) => $"{series}#!~#{field}";

    private static void Encode(TsmBlockEncoder encoder, IReadOnlyList<(long Time, object Value)> points, ArrayBufferWriter<byte> destination)
    {
        long[] times = [.. points.Select(p => p.Time)];
        switch (points[0].Value)
        {
            case double:
                encoder.Encode(times, points.Select(p => (double)p.Value).ToArray(), destination);
                break;
            case long:
                encoder.Encode(times, points.Select(p => (long)p.Value).ToArray(), destination);
                break;
            case ulong:
                encoder.Encode(times, points.Select(p => (ulong)p.Value).ToArray(), destination);
                break;
            case bool:
                encoder.Encode(times, points.Select(p => (bool)p.Value).ToArray(), destination);
                break;
            default:
                var text = new List<byte>();
                var ranges = new List<Range>();
                foreach (var (_, value) in points)
                {
                    var start = text.Count;
                    text.AddRange(Encoding.UTF8.GetBytes((string)value));
                    ranges.Add(start..text.Count);
                }
                encoder.Encode(times, ranges.ToArray(), text.ToArray(), destination);
                break;
        }
    }

    /// <summary>The order of keys in a file.</summary>
    private sealed class ByteOrder : IComparer<string>
    {
        public static ByteOrder Instance { get; } = new();

        public int Compare(string? x, string? y) => Encoding.UTF8.GetBytes(x!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y!));
    }
}
