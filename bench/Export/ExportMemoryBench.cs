using System.Globalization;

namespace InfluxBackup.Bench.Export;

/// <summary>Whether our peak of memory stays below the bar, however many points and series there are.</summary>
internal sealed class ExportMemoryBench(BenchOptions options)
{
    private const int BarMegabytes = 200;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var work = new WorkDirectory(options.OutputDirectory);
        Directory.CreateDirectory(work.Path);
        using var temporary = options.Keep is null ? new WorkDirectory(options.WorkDirectory) : null;
        string sets = Directory.CreateDirectory(options.Keep ?? temporary!.Path).FullName;
        bool failed = false;
        foreach (var shape in options.Shapes)
        {
            foreach (long points in (long[])[options.Points / 10, options.Points])
            {
                var data = ExportDataSet.Make(sets, shape, points);
                var table = new ExportTable(data.Values);
                Console.Error.WriteLine($"{shape.Name}, {data.Values} values");
                foreach (var contender in ExportContender.Ours(data, work.Path).Where(contender => contender.Kind != OutputKind.Limit))
                {
                    string output = Path.Combine(work.Path, contender.FileName ?? "none");
                    for (int round = 1; round <= options.Rounds; round++)
                    {
                        File.Delete(output);
                        var run = await contender.RunAsync(output, cancel);
                        table.Add(contender, new ExportMeasure(run, File.Exists(output) ? new FileInfo(output).Length : 0, null));
                    }
                    File.Delete(output);
                }
                Console.WriteLine();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{shape.Name}: {data.Values:N0} values"));
                table.Print();
                failed |= table.HasFailures;
            }
        }
        Console.WriteLine($"bar: peak below {BarMegabytes} MB, and the same with ten times the points");
        return failed ? 1 : 0;
    }
}
