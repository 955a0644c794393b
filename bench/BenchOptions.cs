using System.Globalization;
using InfluxBackup.Bench.Export;

namespace InfluxBackup.Bench;

/// <summary>Something that the reader of the message can put right.</summary>
internal sealed class BenchException(string message) : Exception(message);

/// <summary>The command line: a verb, then options with one value each.</summary>
internal sealed record BenchOptions
{
    public string Verb { get; init; } = "";

    public long Points { get; init; } = 20_000_000;

    public int Shards { get; init; } = 40;

    public int Rounds { get; init; } = 3;

    /// <summary>Where the loaded server lies, to be used again by the next run; a temporary directory without it.</summary>
    public string? Keep { get; init; }

    /// <summary>Where backups and restored servers go for the time of a run.</summary>
    public string WorkDirectory { get; init; } = Path.GetTempPath();

    public string DataNode { get; init; } = "127.0.0.1:8088";

    public int Connections { get; init; } = 1;

    /// <summary>How long the sink of the import bench waits with its answer to a write.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Megabytes that a data node of the cluster bench sends in a second; without a limit if null.</summary>
    public int? Bandwidth { get; init; } = 20;

    /// <summary>The official exporter; several versions may take turns.</summary>
    public IReadOnlyList<string> InfluxInspect { get; init; } = [];

    /// <summary>What data are exported.</summary>
    public IReadOnlyList<DataShape> Shapes { get; init; } = DataShape.All;

    /// <summary>Where exports go for the time of a run; where backups go unless given.</summary>
    public string OutputDirectory { get => field ?? WorkDirectory; init; }

    public static BenchOptions Parse(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            return new BenchOptions();
        }
        var options = new BenchOptions { Verb = arguments[0] };
        if (options.Verb == "memory")
        {
            // It loads ten times as many as well.
            options = options with { Points = 4_000_000 };
        }
        if (options.Verb == "import")
        {
            options = options with { Points = 5_000_000 };
        }
        if (options.Verb == "cluster")
        {
            options = options with { Points = 4_000_000 };
        }
        for (int i = 1; i < arguments.Length; i += 2)
        {
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new BenchException($"{arguments[i]} needs a value.");
            options = arguments[i] switch
            {
                "--points" => options with { Points = Number(value) },
                "--shards" => options with { Shards = (int)Number(value) },
                "--rounds" => options with { Rounds = (int)Number(value) },
                "--keep" => options with { Keep = Path.GetFullPath(value) },
                "--workdir" => options with { WorkDirectory = Path.GetFullPath(value) },
                "--data-node" => options with { DataNode = value },
                "--latency" => options with { Latency = TimeSpan.FromMilliseconds(Number(value)) },
                "--bandwidth" => options with { Bandwidth = value == "none" ? null : (int)Number(value) },
                "--influx-inspect" => options with { InfluxInspect = [.. options.InfluxInspect, Path.GetFullPath(value)] },
                "--shape" => options with { Shapes = ParseShapes(value) },
                "--output-directory" => options with { OutputDirectory = Path.GetFullPath(value) },
                "--connections" => options with { Connections = (int)Number(value) },
                _ => throw new BenchException($"{arguments[i]} is not an option."),
            };
        }
        return options;
    }

    public static int PrintUsage()
    {
        Console.WriteLine("backup | restore | test | memory | import  [--points N] [--shards N] [--rounds N] [--keep DIR] [--workdir DIR]");
        Console.WriteLine("cluster  [--bandwidth MB_PER_SECOND|none] [--points N] [--shards N] [--rounds N] [--workdir DIR]");
        Console.WriteLine("decode  [--rounds N]");
        Console.WriteLine("null-sink  [--latency MILLISECONDS]");
        Console.WriteLine("export  [--influx-inspect PATH]... [--shape fat|thin|strings|mixed|all] [--points N] [--rounds N] [--keep DIR] [--workdir DIR] [--output-directory DIR]");
        Console.WriteLine("export-memory  [--shape fat|thin|strings|mixed|all] [--points N] [--rounds N] [--keep DIR] [--workdir DIR] [--output-directory DIR]");
        Console.WriteLine("bare-reader  --data-node HOST:PORT [--connections N]");
        return 1;
    }

    private static IReadOnlyList<DataShape> ParseShapes(string name) =>
        name == "all" ? DataShape.All
        : DataShape.All.Where(shape => shape.Name == name).ToList() is [var shape] ? [shape]
        : throw new BenchException($"{name} is not a shape: {string.Join(", ", DataShape.All.Select(s => s.Name))} or all.");

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0
            ? number
            : throw new BenchException($"{text} is not a number above zero.");
}
