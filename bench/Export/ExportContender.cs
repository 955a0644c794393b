using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench.Export;

/// <summary>What a contender leaves behind; only equals are compared.</summary>
internal enum OutputKind
{
    Plain,
    Compressed,

    /// <summary>Thrown away by the system.</summary>
    Nowhere,

    /// <summary>No export: how fast a part of the work can be at all.</summary>
    Limit,
}

/// <summary>A program with its arguments: one row of the table.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Kind">What it writes.</param>
/// <param name="FileName">Name of its output in the directory of outputs; null where there is none.</param>
/// <param name="Command">The program and its arguments, given the output's path.</param>
internal sealed record ExportContender(string Name, OutputKind Kind, string? FileName, Func<string, IReadOnlyList<string>> Command)
{
    /// <summary>pigz is asked where it is installed.</summary>
    private static readonly string[] Packers = ["gzip", "pigz"];

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(30);

    /// <summary>The official tool's name; null for others.</summary>
    public string? Peer { get; init; }

    /// <summary>Name of the other contender's output that this one reads.</summary>
    public string? Reads { get; init; }

    public bool IsPeer => Peer is not null;

    /// <summary>Whether the same values may be checked in its output.</summary>
    public bool IsExport => Kind is OutputKind.Plain or OutputKind.Compressed;

    public Task<ProcessRun> RunAsync(string output, CancellationToken cancel)
    {
        var command = Command(output);
        return MeasuredProcess.RunAsync(command[0], command.Skip(1), Timeout, cancel);
    }

    /// <summary>Why a run does not count; null when it does.</summary>
    public string? Failure(ExportMeasure measure) =>
        measure.Run.ExitCode != 0 ? $"exit code {measure.Run.ExitCode}: {measure.Run.Text}"
        // The official tool ends with 0 all the same.
        : IsPeer && (measure.Run.Text.Contains("skipping", StringComparison.Ordinal) || measure.Run.Text.Contains("corrupt", StringComparison.Ordinal))
            ? measure.Run.Text
        : FileName is not null && measure.Bytes == 0 ? "exit code 0 and no output"
        : null;

    /// <summary>The official tool.</summary>
    public static IEnumerable<ExportContender> Peers(IEnumerable<string> paths, ExportDataSet data)
    {
        foreach (string path in paths)
        {
            string[] export = [path, "export", "-datadir", data.Data, "-waldir", data.Wal];
            string name = Path.GetFileName(path);
            yield return new(name, OutputKind.Plain, "peer.lp", output => [.. export, "-out", output]) { Peer = name };
            yield return new($"{name} to /dev/null", OutputKind.Nowhere, null, _ => [.. export, "-out", "/dev/null"]) { Peer = name };
            yield return new($"{name} -compress", OutputKind.Compressed, "peer.lp.gz", output => [.. export, "-compress", "-out", output]) { Peer = name };
        }
    }

    /// <summary>
    /// Ours: one field a line as the official tool writes, and joined as is the default. Behind each plain output what that output could
    /// be made of at all: how fast this machine copies it and packs it, on one processor or on all.
    /// </summary>
    /// <param name="data">What is exported.</param>
    /// <param name="outputs">Where the outputs lie.</param>
    public static IEnumerable<ExportContender> Ours(ExportDataSet data, string outputs)
    {
        foreach (bool joins in (bool[])[false, true])
        {
            string name = joins ? "joined" : "fields";
            string[] export =
            [
                .. OurTool.Command("export", "--json", "--data-directory", data.Data, "--wal-directory", data.Wal),
                .. joins ? Array.Empty<string>() : ["--one-field-per-line"], "--output",
            ];
            yield return new(name, OutputKind.Plain, $"{name}.lp", output => [.. export, output]);
            foreach (var limit in Limits($"{name}.lp", outputs))
            {
                yield return limit;
            }
            yield return new($"{name}, .gz", OutputKind.Compressed, $"{name}.lp.gz", output => [.. export, output]);
            yield return new($"{name} to /dev/null", OutputKind.Nowhere, null, _ => [.. ToNowhere, .. export, "-"]);
        }
    }

    /// <summary>How fast this machine reads the files.</summary>
    public static ExportContender Reading(ExportDataSet data) => new("cat TSM files", OutputKind.Limit, null, _ => [.. ToNowhere, "cat", .. data.TsmFiles]);

    private static IEnumerable<ExportContender> Limits(string file, string outputs)
    {
        string path = Path.Combine(outputs, file);
        yield return new($"cp {file}", OutputKind.Limit, "copy.lp", output => ["cp", path, output]) { Reads = file };
        foreach (string packer in Packers.Where(name => Executable.Find(name) is not null))
        {
            yield return new($"{packer} -1 {file}", OutputKind.Limit, "copy.lp.gz",
                output => ["sh", "-c", "exec \"$0\" -1 -c \"$1\" > \"$2\"", packer, path, output]) { Reads = file };
        }
    }

    private static string[] ToNowhere => ["sh", "-c", "exec \"$0\" \"$@\" > /dev/null"];
}
