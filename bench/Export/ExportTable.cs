using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench.Export;

/// <summary>One run of one contender, and what it wrote.</summary>
/// <param name="Run">Its times and memory.</param>
/// <param name="Bytes">Size of the output, 0 where there is none.</param>
/// <param name="Lines">Lines in it; null where they were not counted.</param>
internal sealed record ExportMeasure(ProcessRun Run, long Bytes, long? Lines);

/// <summary>The contenders' medians for one data set, and their speed as multiples of the official tool's.</summary>
/// <param name="values">Values of fields in the data set: the points of "points a second".</param>
internal sealed class ExportTable(long values)
{
    private const string Nothing = "-";
    private readonly List<(ExportContender Contender, List<ExportMeasure> Runs)> _rows = [];

    public bool HasFailures { get; private set; }

    public void Add(ExportContender contender, ExportMeasure measure)
    {
        var runs = _rows.FirstOrDefault(row => row.Contender == contender).Runs;
        if (runs is null)
        {
            _rows.Add((contender, runs = []));
        }
        string state = $"{measure.Run.Elapsed.TotalSeconds:F2} s";
        if (contender.Failure(measure) is { } failure)
        {
            HasFailures = true;
            state = "FAILED: " + failure;
        }
        else
        {
            runs.Add(measure);
        }
        Console.Error.WriteLine($"  {contender.Name}: {state}");
    }

    public void Print()
    {
        var peers = _rows.Select(row => row.Contender.Peer).OfType<string>().Distinct().ToList();
        List<string[]> rows = [["", "Mpoints/s", "wall s", "range", "cpu s", "Mpoints/cpu s", "peak MB", "output MB", "lines", .. peers.Select(peer => "x " + peer)]];
        rows.AddRange(_rows.Select(row => Row(row.Contender, row.Runs, peers)));
        foreach (string[] row in rows)
        {
            Console.WriteLine(string.Join("  ", row.Select((cell, column) =>
            {
                int width = rows.Max(r => r[column].Length);
                return column == 0 ? cell.PadRight(width) : cell.PadLeft(width);
            })));
        }
    }

    private string[] Row(ExportContender contender, List<ExportMeasure> runs, List<string> peers)
    {
        if (runs.Count == 0)
        {
            return [contender.Name, "failed", .. Enumerable.Repeat(Nothing, 7 + peers.Count)];
        }
        return
        [
            contender.Name,
            Text(values / Wall(runs) / 1e6, "F2"),
            Text(Wall(runs), "F2"),
            $"{Text(runs.Min(run => run.Run.Elapsed.TotalSeconds), "F2")}–{Text(runs.Max(run => run.Run.Elapsed.TotalSeconds), "F2")}",
            Text(Cpu(runs), "F2"),
            Text(values / Cpu(runs) / 1e6, "F2"),
            Text(ResultTable.Median(runs.Select(run => run.Run.PeakMemory / 1e6)), "F0"),
            Text(runs[0].Bytes == 0 ? null : ResultTable.Median(runs.Select(run => run.Bytes / 1e6)), "F0"),
            Text(runs[0].Lines, "F0"),
            .. peers.Select(peer => Text(Counterpart(contender, peer) is { } runsOfPeer ? Wall(runsOfPeer) / Wall(runs) : null, "F2")),
        ];
    }

    /// <summary>
    /// The official tool's runs that a contender is held against: plain with plain, compressed with compressed, thrown away with
    /// thrown away. Null for the limits.
    /// </summary>
    private List<ExportMeasure>? Counterpart(ExportContender contender, string peer) =>
        _rows.SingleOrDefault(row => row.Contender.Peer == peer && row.Contender.Kind == contender.Kind).Runs;

    private static double? Wall(List<ExportMeasure> runs) => ResultTable.Median(runs.Select(run => run.Run.Elapsed.TotalSeconds));

    private static double? Cpu(List<ExportMeasure> runs) => ResultTable.Median(runs.Select(run => run.Run.Cpu.TotalSeconds));

    private static string Text(double? number, string format) => number?.ToString(format, CultureInfo.InvariantCulture) ?? Nothing;
}
