using System.IO.Compression;
using InfluxBackup.Tsm;

namespace InfluxBackup.Bench.Export;

/// <summary>
/// What servers of machines hold: all types, several shards, late points in a second generation that overlaps the first and in part
/// replaces its points, and deletes that no compaction has carried out.
/// </summary>
internal sealed class MixedShape() : DataShape("mixed", "800 series of 6 fields of all types; 4 shards with overlapping files and deletes")
{
    private const int Shards = 4;
    private const int Series = 200;
    private const int Fields = 6;
    private static readonly string[] FieldNames = ["free", "load", "requests", "state", "up", "usage"];

    /// <summary>Version 4: records in members of gzip.</summary>
    private static ReadOnlySpan<byte> TombstoneHeader => [0x00, 0x00, 0x15, 0x04];

    private readonly LogText _log = new(new Random(4));

    public override long Write(string data, long values)
    {
        var random = new Random(5);
        long[] times = new long[Math.Max(20, values / (Shards * Series * Fields))];
        long written = 0;
        for (int shard = 0; shard < Shards; shard++)
        {
            string directory = CreateShard(data, shard + 1);
            FillTimes(times, shard, null);
            written += WriteGeneration(directory, 1, _ => times, random);
            long[] late = [.. LateTimes(times)];
            // Every second series.
            written += WriteGeneration(directory, 2, series => series % 2 == 0 ? late : [], random);
            WriteTombstones(directory, times);
        }
        return written;
    }

    /// <summary>In the last twentieth: half of the times that are there already, and between the others.</summary>
    private static IEnumerable<long> LateTimes(long[] times) =>
        times.Skip(times.Length - (times.Length / 20)).Select((time, i) => i % 2 == 0 ? time : time + 1_000_000);

    private static string SeriesKey(int series) => $"system,dc=fra1,host=srv{series:D4},role={(series % 3 == 0 ? "db" : "web")}";

    private long WriteGeneration(string directory, int generation, Func<int, long[]> timesOf, Random random)
    {
        using var shard = new ShardWriter(directory, generation);
        for (int series = 0; series < Series; series++)
        {
            long[] times = timesOf(series);
            if (times.Length > 0)
            {
                WriteFields(shard, SeriesKey(series), times, random);
            }
        }
        shard.Complete();
        return shard.Values;
    }

    private void WriteFields(ShardWriter shard, string series, long[] times, Random random)
    {
        long[] integers = new long[times.Length];
        double[] floats = new double[times.Length];
        bool[] booleans = new bool[times.Length];
        var strings = new Range[times.Length];
        foreach (string field in FieldNames)
        {
            long counter = random.Next(1_000_000);
            double level = random.Next(100);
            for (int i = 0; i < times.Length; i++)
            {
                // A gauge in bytes, or a counter.
                integers[i] = field == "free" ? random.NextInt64(1L << 36) : counter += random.Next(500);
                floats[i] = Math.Round(Math.Abs(level += random.NextDouble() - 0.5), 2);
                booleans[i] = random.Next(50) != 0;
            }
            switch (field)
            {
                case "free" or "requests":
                    shard.Write(series, field, times, integers);
                    break;
                case "up":
                    shard.Write(series, field, times, booleans);
                    break;
                case "state":
                    _log.Fill(strings);
                    shard.Write(series, field, times, strings, _log.Bytes);
                    break;
                default:
                    shard.Write(series, field, times, floats);
                    break;
            }
        }
    }

    /// <summary>Of the first generation: a whole series, and an hour or less in the middle of ten others.</summary>
    private static void WriteTombstones(string directory, long[] times)
    {
        using var records = new MemoryStream();
        var tombstones = new TombstoneWriter(records);
        for (int series = 50; series < 61; series++)
        {
            var range = series == 50 ? TimeRange.Everything : new TimeRange(times[times.Length / 2], times[Math.Min(times.Length - 1, (times.Length / 2) + 360)]);
            foreach (string field in FieldNames)
            {
                tombstones.Write(ShardWriter.Key(SeriesKey(series), field), range);
            }
        }
        // As servers since 1.5 write it: their version 2, which the writer writes, they misread.
        using var file = new FileStream(ShardWriter.PathOf(directory, 1, 1, ".tombstone"), FileMode.CreateNew, FileAccess.Write);
        file.Write(TombstoneHeader);
        using var packed = new GZipStream(file, CompressionLevel.Fastest);
        packed.Write(records.GetBuffer().AsSpan(TombstoneHeader.Length, (int)records.Length - TombstoneHeader.Length));
    }
}
