using System.Buffers;
using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>The points of a shard's directory, read and written as TSM files.</summary>
internal static class ShardPoints
{
    private const int LargestBlock = 1000;
    private const int TombstoneHeaderSize = 4;

    /// <summary>Adds a file of the next generation, whose points win over those that are there.</summary>
    public static void Add(string directory, IEnumerable<EmulatedPoint> points)
    {
        Directory.CreateDirectory(directory);
        var newest = Directory.EnumerateFiles(directory, "*.tsm").Max(Path.GetFileName);
        var generation = newest is null ? 1 : int.Parse(newest.AsSpan(0, 9), System.Globalization.CultureInfo.InvariantCulture) + 1;
        var path = Path.Combine(directory, $"{generation:000000000}-000000001.tsm");
        using (var stream = new FileStream(path + ".tmp", FileMode.Create))
        {
            using var writer = new TsmWriter(stream);
            var ordered = points.GroupBy(p => Convert.ToHexString(p.Key)).OrderBy(g => g.Key, StringComparer.Ordinal);
            foreach (var key in ordered)
            {
                // The last of several points with the same time counts.
                WriteKey(writer, Convert.FromHexString(key.Key), [.. key.GroupBy(p => p.Time).Select(g => g.Last()).OrderBy(p => p.Time)]);
            }

            writer.Complete();
        }

        File.Move(path + ".tmp", path);
    }

    /// <summary>Deletes points of all files, as a server does until the next compaction: beside the files, not in them.</summary>
    public static void Delete(string directory, string series, IEnumerable<string> fields, TimeRange times)
    {
        foreach (var file in Directory.EnumerateFiles(directory, "*.tsm"))
        {
            using var records = new MemoryStream();
            using (var writer = new TombstoneWriter(records))
            {
                foreach (var field in fields)
                {
                    writer.Write(new EmulatedPoint(series, field, 0, 0L).Key, times);
                }
            }

            // A later delete adds its records to the file, which has one header.
            using var stream = new FileStream(Path.ChangeExtension(file, ".tombstone"), FileMode.Append);
            stream.Write(records.ToArray().AsSpan(stream.Length == 0 ? 0 : TombstoneHeaderSize));
        }
    }

    /// <summary>All points that a query would find.</summary>
    public static Dictionary<(string Series, string Field, long Time), object> Read(string directory)
    {
        var points = new Dictionary<(string Series, string Field, long Time), object>();
        var files = Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "*.tsm").Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
        foreach (var path in files)
        {
            ReadFile(path, points);
        }

        return points;
    }

    private static void ReadFile(string path, Dictionary<(string Series, string Field, long Time), object> points)
    {
        var deletes = TombstoneRanges.None;
        if (Path.ChangeExtension(path, ".tombstone") is var tombstones && File.Exists(tombstones))
        {
            using var reader = TombstoneFile.Open(tombstones);
            deletes = TombstoneRanges.Load(reader, CancellationToken.None);
        }

        using var file = TsmFile.Open(path);
        using var index = file.ReadIndex();
        using var block = new TsmPoints();
        while (index.ReadKey())
        {
            TsmKey.TrySplit(index.Key, out var series, out var field);
            var (seriesName, fieldName) = (Encoding.UTF8.GetString(series), Encoding.UTF8.GetString(field));
            var deleted = deletes.Find(index.Key).ToArray();
            while (index.ReadEntry(out var entry))
            {
                var bytes = new byte[entry.BlockSize];
                file.Read(entry.BlockOffset, bytes);
                block.Decode(bytes);
                for (var i = 0; i < block.Count; i++)
                {
                    var time = block.Times[i];
                    if (!Array.Exists(deleted, d => d.Contains(time)))
                    {
                        points[(seriesName, fieldName, time)] = Value(block, i);
                    }
                }
            }
        }
    }

    private static object Value(TsmPoints points, int index) => points.Type switch
    {
        TsmBlockType.Float => points.Floats[index],
        TsmBlockType.Integer => points.Integers[index],
        TsmBlockType.Boolean => points.Booleans[index],
        TsmBlockType.Unsigned => points.Unsigneds[index],
        _ => Encoding.UTF8.GetString(points.String(index)),
    };

    private static void WriteKey(TsmWriter writer, byte[] key, EmulatedPoint[] points)
    {
        writer.BeginKey(key, points[0].Value switch
        {
            double => TsmBlockType.Float,
            long => TsmBlockType.Integer,
            bool => TsmBlockType.Boolean,
            ulong => TsmBlockType.Unsigned,
            _ => TsmBlockType.String,
        });
        var encoder = new TsmBlockEncoder();
        foreach (var part in points.Chunk(LargestBlock))
        {
            var block = new ArrayBufferWriter<byte>();
            long[] times = [.. part.Select(p => p.Time)];
            switch (part[0].Value)
            {
                case double:
                    encoder.Encode(times, part.Select(p => (double)p.Value).ToArray(), block);
                    break;
                case long:
                    encoder.Encode(times, part.Select(p => (long)p.Value).ToArray(), block);
                    break;
                case bool:
                    encoder.Encode(times, part.Select(p => (bool)p.Value).ToArray(), block);
                    break;
                case ulong:
                    encoder.Encode(times, part.Select(p => (ulong)p.Value).ToArray(), block);
                    break;
                default:
                    EncodeText(encoder, times, part, block);
                    break;
            }

            writer.WriteBlock(times[0], times[^1], block.WrittenSpan);
        }
    }

    private static void EncodeText(TsmBlockEncoder encoder, long[] times, EmulatedPoint[] points, ArrayBufferWriter<byte> block)
    {
        var text = new List<byte>();
        var places = new List<Range>();
        foreach (var point in points)
        {
            var bytes = Encoding.UTF8.GetBytes((string)point.Value);
            places.Add(text.Count..(text.Count + bytes.Length));
            text.AddRange(bytes);
        }

        encoder.Encode(times, places.ToArray(), text.ToArray(), block);
    }
}
