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
    private const string FieldsFile = "fields.lp";
    private const string JoinedFile = "joined.lp";
    private static readonly string[] PlainOutputs = [FieldsFile, JoinedFile];

    /// <summary>pigz is asked where it is installed.</summary>
    private static readonly string[] Packers = ["gzip", "pigz"];

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(30);

    /// <summary>The official tool's name; null for others.</summary>
    public string? Peer { get; init; }

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

    /// <summary>Ours: one field a line as the official tool writes, and joined as is the default.</summary>
    public static IEnumerable<ExportContender> Ours(ExportDataSet data)
    {
        string[] fields = [.. OurTool.Command("export", "--json", "--data-directory", data.Data, "--wal-directory", data.Wal, "--one-field-per-line", "--output")];
        string[] joined = [.. OurTool.Command("export", "--json", "--data-directory", data.Data, "--wal-directory", data.Wal, "--output")];
        yield return new("fields", OutputKind.Plain, FieldsFile, output => [.. fields, output]);
        yield return new("joined", OutputKind.Plain, JoinedFile, output => [.. joined, output]);
        yield return new("fields, .gz", OutputKind.Compressed, "fields.lp.gz", output => [.. fields, output]);
        yield return new("joined, .gz", OutputKind.Compressed, "joined.lp.gz", output => [.. joined, output]);
        yield return new("fields to /dev/null", OutputKind.Nowhere, null, _ => [.. ToNowhere, .. fields, "-"]);
        yield return new("joined to /dev/null", OutputKind.Nowhere, null, _ => [.. ToNowhere, .. joined, "-"]);
    }

    /// <summary>How fast this machine reads the files, copies an output, and packs it, on one processor or on all.</summary>
    /// <param name="data">What is read.</param>
    /// <param name="outputs">Where our outputs lie.</param>
    public static IEnumerable<ExportContender> Limits(ExportDataSet data, string outputs)
    {
        yield return new("cat TSM files", OutputKind.Limit, null, _ => [.. ToNowhere, "cat", .. data.TsmFiles]);
        foreach (string file in PlainOutputs)
        {
            yield return new($"cp {file}", OutputKind.Limit, "copy.lp", output => ["cp", Path.Combine(outputs, file), output]);
        }
        foreach (string packer in Packers.Where(name => Executable.Find(name) is not null))
        {
            foreach (string file in PlainOutputs)
            {
                yield return new($"{packer} -1 {file}", OutputKind.Limit, "copy.lp.gz",
                    output => ["sh", "-c", "exec \"$0\" -1 -c \"$1\" > \"$2\"", packer, Path.Combine(outputs, file), output]);
            }
        }
    }

    private static string[] ToNowhere => ["sh", "-c", "exec \"$0\" \"$@\" > /dev/null"];
}
