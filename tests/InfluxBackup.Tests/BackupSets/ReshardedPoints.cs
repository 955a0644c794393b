using System.Formats.Tar;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Random shards of a source, and what each shard of a target should hold of them, told with a dictionary.</summary>
internal sealed class ReshardedPoints
{
    private static readonly string[] Series = ["a", "a,t=1", @"a,t=1\ 2", "b", @"größe,ß=\,", "c,x=1,y=2", "c,x=2", "d"];
    private static readonly string[] Fields = ["f", "g h", "ü"];

    private readonly Random random;
    private readonly ServerMetadata source;
    private long lastValue;

    public ReshardedPoints(Random random, ServerMetadata source)
    {
        this.random = random;
        this.source = source;
        foreach (var group in GroupsOf(source).Where(g => g.StartTime < g.EndTime))
        {
            for (var slot = 0; slot < group.Shards.Count; slot++)
            {
                Files.Add(Groups.Key(group.Shards[slot].ID), CreateFiles(group, slot));
            }
        }
    }

    /// <summary>The files of each shard of the source, oldest first.</summary>
    public Dictionary<ShardKey, List<GeneratedFile>> Files { get; } = [];

    public HashSet<ShardKey> WithTombstones => Files.Where(f => f.Value.Any(file => file.Deletes.Count > 0)).Select(f => f.Key).ToHashSet();

    /// <summary>The archive of a shard.</summary>
    public byte[] Tar(ShardKey shard)
    {
        var tar = new TarBuilder();
        for (var i = 0; i < Files[shard].Count; i++)
        {
            // Names with gaps, and with several sequences of a generation.
            var name = $"{shard.Path}/{(2 * (i / 2)) + 1:d9}-{i + 1:d9}";
            tar.Entry(name + ".tsm", Files[shard][i].ToTsm());
            if (Files[shard][i].Deletes.Count > 0)
            {
                tar.Entry(name + ".tombstone", Files[shard][i].ToTombstones());
            }
        }

        return tar.Zeros().ToArray();
    }

    /// <summary>The points of each shard of the target.</summary>
    public Dictionary<ShardKey, Dictionary<(string Key, long Time), object>> Expect(ServerMetadata target)
    {
        var expected = new Dictionary<ShardKey, Dictionary<(string, long), object>>();
        foreach (var group in GroupsOf(source).OrderBy(g => g.ID))
        {
            foreach (var shard in group.Shards.Select(s => Groups.Key(s.ID)).Where(Files.ContainsKey))
            {
                foreach (var (key, time, value) in Files[shard].SelectMany(Points))
                {
                    var place = Groups.FindFor(target, Math.Clamp(time, group.StartTime, group.EndTime - 1))!;
                    var slot = SeriesSlot.Of(System.Text.Encoding.UTF8.GetBytes(key), place.Shards.Count);
                    var there = Groups.Key(place.Shards[slot].ID);
                    expected.TryAdd(there, []);
                    expected[there][(key, time)] = value;
                }
            }
        }

        return expected;
    }

    /// <summary>The points of an archive: names in their order, later files over earlier ones.</summary>
    public static Dictionary<(string Key, long Time), object> Read(byte[] tar)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        using var reader = new TarReader(new MemoryStream(tar));
        while (reader.GetNextEntry() is { } entry)
        {
            var copy = new MemoryStream();
            entry.DataStream!.CopyTo(copy);
            files.Add(entry.Name, copy.ToArray());
        }

        var points = new StoredPoints();
        foreach (var (name, bytes) in files)
        {
            using var file = TsmFile.FromMemory(bytes, name);
            Assert.Empty(TsmFileVerifier.Verify(file, CancellationToken.None).Problems);
            points.Add(file, null);
        }

        return points.Points;
    }

    private static List<ShardGroupInfo> GroupsOf(ServerMetadata metadata) => metadata.Data.Databases[0].RetentionPolicies[0].ShardGroups.ToList();

    private static IEnumerable<(string Key, long Time, object Value)> Points(GeneratedFile file) =>
        from block in file.Blocks
        let deletes = file.Deletes.Where(d => (d.Series, d.Field) == (block.Series, block.Field)).ToList()
        from point in block.Points
        where !deletes.Any(d => d.Times.Contains(point.Time))
        select ($"{block.Series}#!~#{block.Field}", point.Time, point.Value);

    private List<GeneratedFile> CreateFiles(ShardGroupInfo group, int slot)
    {
        var series = Series.Where(s => SeriesSlot.Of(System.Text.Encoding.UTF8.GetBytes(s), group.Shards.Count) == slot).ToArray();
        return series.Length == 0 ? [] : Enumerable.Range(0, random.Next(0, 4)).Select(_ => CreateFile(group, series)).ToList();
    }

    private GeneratedFile CreateFile(ShardGroupInfo group, string[] series)
    {
        var (blocks, deletes) = (new List<GeneratedBlock>(), new List<GeneratedDelete>());
        foreach (var key in series.Where(_ => random.Next(4) > 0).DefaultIfEmpty(series[0]))
        {
            foreach (var field in Fields.Where(_ => random.Next(3) > 0).DefaultIfEmpty(Fields[0]))
            {
                long[] times = [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => Time(group)).Distinct().Order()];
                for (var at = 0; at < times.Length;)
                {
                    var count = Math.Min(times.Length - at, random.Next(1, 12));
                    blocks.Add(new GeneratedBlock(key, field, times.Skip(at).Take(count).Select(t => (t, Value(field))).ToList()));
                    at += count;
                }

                if (random.Next(4) == 0)
                {
                    var (low, high) = (Time(group), Time(group));
                    deletes.Add(new GeneratedDelete(key, field, new TimeRange(Math.Min(low, high), Math.Max(low, high))));
                }
            }
        }

        return new GeneratedFile(blocks, random.Next(2) == 0 ? deletes : []);
    }

    /// <summary>Mostly inside of the group.</summary>
    private long Time(ShardGroupInfo group) => random.Next(15) == 0 ? random.Next(-50, 500) : random.NextInt64(group.StartTime, group.EndTime);

    private object Value(string field)
    {
        lastValue++;
        return field switch
        {
            "f" => lastValue,
            "g h" => lastValue * 0.5,
            _ => $"ß{lastValue}",
        };
    }
}
