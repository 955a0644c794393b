using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>One run of one contender.</summary>
internal sealed record Measure(ProcessRun Run)
{
    /// <summary>Size of the archives that a backup made.</summary>
    public long Bytes { get; init; }

    /// <summary>What a backup read; 0 where that was not asked.</summary>
    public long Read { get; init; }

    /// <summary>When a restored server gave the right count; null where that was not asked.</summary>
    public TimeSpan? Visible { get; init; }

    /// <summary>Why the run does not count; null when it does.</summary>
    public string? Failure { get; init; }
}

/// <summary>The contenders' runs, and their medians side by side.</summary>
internal sealed class ResultTable(params string[] references)
{
    private const string Nothing = "-";
    private readonly List<string> _names = [];
    private readonly Dictionary<string, List<Measure>> _runs = [];

    public bool HasFailures => _runs.Values.Any(runs => runs.Any(run => run.Failure is not null));

    public void Add(string name, Measure measure)
    {
        if (!_runs.TryGetValue(name, out var runs))
        {
            _names.Add(name);
            _runs[name] = runs = [];
        }
        runs.Add(measure);
        string state = measure.Failure is { } failure ? "FAILED: " + failure : $"{measure.Run.Elapsed.TotalSeconds:F2} s";
        Console.Error.WriteLine($"  {name}: {state}");
    }

    /// <summary>Medians, and the times as multiples of each reference's; columns that nobody fills are left out.</summary>
    public void Print()
    {
        List<string[]> rows = [["", "wall s", "range", "visible s", "MB/s", "cpu s", "peak MB", "archive MB", .. references.SelectMany(name => (string[])["wall / " + name, "visible / " + name])]];
        rows.AddRange(_names.Select(Row));
        int[] columns = [.. Enumerable.Range(0, rows[0].Length).Where(column => rows.Skip(1).Any(row => row[column] != Nothing))];
        foreach (string[] row in rows)
        {
            Console.WriteLine(string.Join("  ", columns.Select(column =>
            {
                int width = rows.Max(r => r[column].Length);
                return column == 0 ? row[column].PadRight(width) : row[column].PadLeft(width);
            })));
        }
    }

    private string[] Row(string name)
    {
        var good = Good(name);
        if (good.Count == 0)
        {
            return [name, "failed", .. Enumerable.Repeat(Nothing, 6 + (2 * references.Length))];
        }
        return
        [
            name,
            Text(Wall(name), "F2"),
            $"{Text(good.Min(run => run.Run.Elapsed.TotalSeconds), "F2")}–{Text(good.Max(run => run.Run.Elapsed.TotalSeconds), "F2")}",
            Text(Visible(name), "F2"),
            Text(good[0].Read == 0 ? null : Median(good.Select(run => run.Read / 1e6 / run.Run.Elapsed.TotalSeconds)), "F0"),
            Text(Median(good.Select(run => run.Run.Cpu.TotalSeconds)), "F2"),
            Text(Median(good.Select(run => run.Run.PeakMemory / 1e6)), "F0"),
            Text(good[0].Bytes == 0 ? null : Median(good.Select(run => run.Bytes / 1e6)), "F0"),
            .. references.SelectMany(reference => (string[])
            [
                Text(Wall(name) / Wall(reference), "F2"),
                Text(Visible(name) / Visible(reference), "F2"),
            ]),
        ];
    }

    private double? Wall(string name) => Median(Good(name).Select(run => run.Run.Elapsed.TotalSeconds));

    private double? Visible(string name) =>
        Median(Good(name).Where(run => run.Visible is not null).Select(run => run.Visible!.Value.TotalSeconds));

    private List<Measure> Good(string name) => [.. _runs.GetValueOrDefault(name, []).Where(run => run.Failure is null)];

    /// <summary>The middle value, or the mean of the two there; null of none.</summary>
    public static double? Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length == 0 ? null
            : sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static string Text(double? number, string format) => number?.ToString(format, CultureInfo.InvariantCulture) ?? Nothing;
}
