using System.IO.Compression;
using InfluxBackup.Operations;
using InfluxBackup.Tests.LineProtocol;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>Runs exports with as few words as a test needs.</summary>
internal static class Exports
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static Task<ExportResult> RunAsync(ExportOptions options, Action<ExportedFile>? completed = null) => RunAsync(options, completed, Cancel);

    public static async Task<ExportResult> RunAsync(ExportOptions options, Action<ExportedFile>? completed, CancellationToken cancel)
    {
        var operation = new ExportOperation(options);
        return await operation.RunAsync(await operation.PlanAsync(cancel), completed, cancel);
    }

    /// <summary>What an export writes when it goes to a stream.</summary>
    public static async Task<(ExportResult Result, byte[] Text)> ReadAsync(ExportOptions options)
    {
        using var text = new MemoryStream();
        var result = await RunAsync(options with { Output = null, OutputStream = text });
        return (result, text.ToArray());
    }

    /// <summary>The lines of an export, in their order.</summary>
    public static async Task<List<PointLine>> LinesAsync(ExportOptions options) => [.. PointLine.Parse((await ReadAsync(options)).Text)];

    /// <summary>The text of a file, unpacked where its name ends in .gz.</summary>
    public static byte[] ReadFile(string path)
    {
        using var file = File.OpenRead(path);
        using var text = new MemoryStream();
        using Stream content = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        content.CopyTo(text);
        return text.ToArray();
    }

    /// <summary>Each value of each line once, sorted: equal for exports of the same points, however they are arranged.</summary>
    public static string[] Values(IEnumerable<PointLine> lines) => [.. lines.SelectMany(l => l.Split()).Order(StringComparer.Ordinal)];
}
