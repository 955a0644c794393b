using System.Globalization;

namespace InfluxBackup.Bench.Export;

/// <summary>
/// How fast a stopped server's points become line protocol: the official tool, us, and the bare limits, one after another in each
/// round, for data of several shapes. Before that, all of them export a small set of the shape, and what they wrote is compared value
/// by value.
/// </summary>
internal sealed class ExportBench(BenchOptions options)
{
    private const long CheckedValues = 200_000;
    private const double PlainBar = 20;
    private const double CompressedBar = 12;

    private bool _failed;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        if (options.InfluxInspect.FirstOrDefault(path => !File.Exists(path)) is { } missing)
        {
            throw new BenchException($"There is no {missing}.");
        }
        using var work = new WorkDirectory(options.OutputDirectory);
        Directory.CreateDirectory(work.Path);
        using var temporary = options.Keep is null ? new WorkDirectory(options.WorkDirectory) : null;
        string sets = Directory.CreateDirectory(options.Keep ?? temporary!.Path).FullName;
        foreach (var shape in options.Shapes)
        {
            await CheckAsync(ExportDataSet.Make(sets, shape, CheckedValues), work.Path, cancel);
            await MeasureAsync(ExportDataSet.Make(sets, shape, options.Points), work.Path, cancel);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bars: {PlainBar:F0} x influx_inspect export plain, {CompressedBar:F0} x compressed"));
        return _failed ? 1 : 0;
    }

    /// <summary>All contenders must have written the same values. What is fast and wrong shows here.</summary>
    private async Task CheckAsync(ExportDataSet data, string outputs, CancellationToken cancel)
    {
        (string Name, LineSet Set)? reference = null;
        var contenders = ExportContender.Peers(options.InfluxInspect, data).Concat(ExportContender.Ours(data, outputs)).Where(contender => contender.IsExport);
        foreach (var contender in contenders)
        {
            string output = FreshOutput(contender, outputs)!;
            (await contender.RunAsync(output, cancel)).EnsureSuccess();
            var set = LineSet.Read(output);
            reference ??= (contender.Name, set);
            string? difference = reference.Value.Set.FirstDifference(set);
            _failed |= difference is not null;
            string verdict = difference is null ? $"the same values as {reference.Value.Name}" : $"DIFFERENT from {reference.Value.Name}: {difference}";
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  check {data.Shape.Name}, {contender.Name}: {set.Lines:N0} lines, {set.Values:N0} values, {set.Replaced:N0} of them replaced; {verdict}"));
        }
    }

    private async Task MeasureAsync(ExportDataSet data, string outputs, CancellationToken cancel)
    {
        var table = new ExportTable(data.Values);
        var reading = ExportContender.Reading(data);
        ExportContender[] contenders = [.. ExportContender.Peers(options.InfluxInspect, data), .. ExportContender.Ours(data, outputs), reading];
        // Nobody is to pay for the first look at the files.
        await reading.RunAsync("", cancel);
        for (int round = 1; round <= options.Rounds; round++)
        {
            Console.Error.WriteLine($"{data.Shape.Name}, round {round} of {options.Rounds}");
            for (int turn = 0; turn < contenders.Length; turn++)
            {
                var contender = contenders[turn];
                string? output = FreshOutput(contender, outputs);
                var run = await contender.RunAsync(output ?? "", cancel);
                bool isCounted = round == 1 && contender.Kind == OutputKind.Plain;
                table.Add(contender, new ExportMeasure(run, output is null ? 0 : SizeOf(output), isCounted ? LineCount.Of(output!) : null));
                // The memory of old outputs is at hand for the next; who needs fresh memory from the system is slower.
                var stillRead = contenders.Skip(turn + 1).Select(next => next.Reads);
                foreach (string file in new[] { contender.FileName, contender.Reads }.Except(stillRead).OfType<string>())
                {
                    File.Delete(Path.Combine(outputs, file));
                }
            }
        }
        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{data.Shape.Name}: {data.Values:N0} values, {data.Shape.Description}; {data.TsmFiles.Count} TSM files of {data.Bytes / 1e6:F0} MB together"));
        table.Print();
        _failed |= table.HasFailures;
    }

    /// <summary>Where the contender's output goes, without the one of the last round; all that was written before is on the disk.</summary>
    private static string? FreshOutput(ExportContender contender, string outputs)
    {
        string? output = contender.FileName is { } name ? Path.Combine(outputs, name) : null;
        if (output is not null)
        {
            File.Delete(output);
        }
        WorkDirectory.Sync();
        return output;
    }

    private static long SizeOf(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;
}
