using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>
/// The points of TSM files, read as simply as can be: files in their order, later ones over earlier ones, each without what its
/// tombstones delete. Keys are text; bytes that are not UTF-8 are replaced as a server's answer does.
/// </summary>
internal sealed class StoredPoints
{
    /// <summary>Values by composite key and time: double, long, ulong, bool or text.</summary>
    public Dictionary<(string Key, long Time), object> Points { get; } = [];

    /// <summary>Adds the points of a file and of the tombstone file that belongs to it.</summary>
    public void Add(TsmFile file, TombstoneFile? tombstones)
    {
        var deleted = ReadTombstones(tombstones);
        using var index = file.ReadIndex();
        using var points = new TsmPoints();
        while (index.ReadKey())
        {
            var key = Encoding.UTF8.GetString(index.Key);
            while (index.ReadEntry(out var entry))
            {
                var block = new byte[entry.BlockSize];
                file.Read(entry.BlockOffset, block);
                points.Decode(block);
                for (var i = 0; i < points.Count; i++)
                {
                    var time = points.Times[i];
                    if (!deleted[key].Any(r => r.Min <= time && time <= r.Max))
                    {
                        Points[(key, time)] = Value(points, i);
                    }
                }
            }
        }
    }

    /// <summary>Adds a file on disk, and its tombstones.</summary>
    public void Add(string tsmFile, string? tombstoneFile)
    {
        using var file = TsmFile.Open(tsmFile);
        using var tombstones = tombstoneFile is null ? null : TombstoneFile.Open(tombstoneFile);
        Assert.Empty(TsmFileVerifier.Verify(file, CancellationToken.None).Problems);
        Add(file, tombstones);
    }

    private static ILookup<string, (long Min, long Max)> ReadTombstones(TombstoneFile? file)
    {
        var records = new List<(string Key, long Min, long Max)>();
        while (file?.Read() == true)
        {
            records.Add((Encoding.UTF8.GetString(file.Key), file.MinTime, file.MaxTime));
        }
        return records.ToLookup(r => r.Key, r => (r.Min, r.Max));
    }

    private static object Value(TsmPoints points, int i) => points.Type switch
    {
        TsmBlockType.Float => points.Floats[i],
        TsmBlockType.Integer => points.Integers[i],
        TsmBlockType.Unsigned => points.Unsigneds[i],
        TsmBlockType.Boolean => points.Booleans[i],
        _ => Encoding.UTF8.GetString(points.String(i)),
    };
}
