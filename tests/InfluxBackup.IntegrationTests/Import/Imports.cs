using System.Text;
using InfluxBackup.Http;
using InfluxBackup.Operations;

namespace InfluxBackup.IntegrationTests.Import;

/// <summary>Imports with as few words as a test needs.</summary>
internal static class Imports
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Retries that fail within a test's patience.</summary>
    public static ImportOptions Options(params Uri[] servers) => new()
    {
        Servers = [.. servers.Select(uri => new InfluxHttpOptions { Uri = uri })],
        MaxAttempts = 8,
        RetryDelay = TimeSpan.FromMilliseconds(5),
        MaxRetryDelay = TimeSpan.FromMilliseconds(50),
    };

    public static async Task<ImportResult> RunAsync(ImportOptions options, string path, CancellationToken? cancel = null)
    {
        using var operation = new ImportOperation(options);
        var result = await operation.RunAsync(ImportSource.FromFile(path), cancel ?? Cancel);
        operation.End();
        AssertAccount(result);
        return result;
    }

    public static Task<ImportResult> TextAsync(ImportOptions options, TemporaryDirectory directory, string text)
    {
        File.WriteAllText(directory["lines.lp"], text, new UTF8Encoding(false));
        return RunAsync(options, directory["lines.lp"]);
    }

    /// <summary>Every line that was read is accounted for.</summary>
    private static void AssertAccount(ImportResult r) =>
        Assert.Equal(r.LinesRead, r.PointsWritten + r.Rejected + r.Unacknowledged + r.Comments + r.BlankLines + r.StatementLines);
}
