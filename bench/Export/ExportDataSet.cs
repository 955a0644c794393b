using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace InfluxBackup.Bench.Export;

/// <summary>
/// The data directory of a stopped server, of one shape, and a WAL directory without segments. The files are written by our own
/// writer, because a server would take minutes; that they are what a server would write, the official tool shows by reading them.
/// </summary>
internal sealed class ExportDataSet
{
    /// <summary>Kept data of another version are made again.</summary>
    private const int Version = 2;

    private ExportDataSet(string root, DataShape shape, long values)
    {
        Data = Path.Combine(root, "data");
        Wal = Path.Combine(root, "wal");
        Shape = shape;
        Values = values;
    }

    public DataShape Shape { get; }

    /// <summary>Values of fields in the files: lines of one field, if none were replaced or deleted.</summary>
    public long Values { get; }

    public string Data { get; }

    public string Wal { get; }

    public IReadOnlyList<string> TsmFiles => [.. Directory.EnumerateFiles(Data, "*.tsm", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    public long Bytes => TsmFiles.Sum(file => new FileInfo(file).Length);

    /// <summary>Uses the data that an earlier run left in the directory, or makes them.</summary>
    public static ExportDataSet Make(string parent, DataShape shape, long values)
    {
        string root = Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"export-{shape.Name}-{values}"));
        string marker = Path.Combine(root, "made.json");
        if (File.Exists(marker) && JsonSerializer.Deserialize<Made>(File.ReadAllText(marker)) is { Version: Version } made)
        {
            return new ExportDataSet(root, shape, made.Values);
        }
        if (Directory.Exists(root))
        {
            Directory.Delete(root, recursive: true);
        }
        var clock = Stopwatch.StartNew();
        var set = new ExportDataSet(root, shape, 0);
        Directory.CreateDirectory(set.Data);
        long written = shape.Write(set.Data, values);
        foreach (string shard in Directory.GetDirectories(Path.Combine(set.Data, DataShape.Database, DataShape.RetentionPolicy)))
        {
            Directory.CreateDirectory(Path.Combine(set.Wal, Path.GetRelativePath(set.Data, shard)));
        }
        File.WriteAllText(marker, JsonSerializer.Serialize(new Made(Version, written)));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"made {written:N0} values ({shape.Name}) in {clock.Elapsed.TotalSeconds:F1} s"));
        return new ExportDataSet(root, shape, written);
    }

    private sealed record Made(int Version, long Values);
}
