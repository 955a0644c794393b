using System.Text;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Cli.Demo;

/// <summary>One point of one field of one series, where it is kept.</summary>
internal readonly record struct PointKey(string RetentionPolicy, string Series, string Field, long Time)
{
    /// <summary>What stands before the first tag; the sample's measurements need no escaping.</summary>
    public string Measurement => Series.Split(',')[0];
}

/// <summary>
/// All points of one database, read from the TSM files of the embedded data node: the judge of the demo looks at the files that
/// the node keeps, not at what the backup says of itself.
/// </summary>
internal sealed class DatabasePoints
{
    private readonly Dictionary<PointKey, object> values = [];

    public int Count => values.Count;

    public IEnumerable<PointKey> Keys => values.Keys;

    public static DatabasePoints Read(EmulatedDataNode node, string database)
    {
        var points = new DatabasePoints();
        var metadata = ServerMetadata.Parse(node.Metadata.ReadBytes(), node.Address);
        foreach (var shard in metadata.Shards.Where(s => !s.IsDeleted && s.Key.Database == database))
        {
            // In the order of the generations: a later file has the newer value of a point.
            foreach (var file in Directory.EnumerateFiles(node.ShardDirectory(shard.Key), "*.tsm").Order(StringComparer.Ordinal))
            {
                points.AddFile(shard.Key.RetentionPolicy, file);
            }
        }

        return points;
    }

    /// <summary>How many points are here and there with the same value.</summary>
    public int CountEqual(DatabasePoints other) => values.Count(p => other.values.TryGetValue(p.Key, out var value) && value.Equals(p.Value));

    private void AddFile(string policy, string path)
    {
        using var file = TsmFile.Open(path);
        using var index = file.ReadIndex();
        using var block = new TsmPoints();
        while (index.ReadKey())
        {
            TsmKey.TrySplit(index.Key, out var seriesBytes, out var fieldBytes);
            var (series, field) = (Encoding.UTF8.GetString(seriesBytes), Encoding.UTF8.GetString(fieldBytes));
            while (index.ReadEntry(out var entry))
            {
                var bytes = new byte[entry.BlockSize];
                file.Read(entry.BlockOffset, bytes);
                block.Decode(bytes);
                for (var i = 0; i < block.Count; i++)
                {
                    values[new PointKey(policy, series, field, block.Times[i])] = Value(block, i);
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
}
