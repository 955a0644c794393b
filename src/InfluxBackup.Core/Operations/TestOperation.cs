namespace InfluxBackup.Operations;

/// <summary>Tests the backups of a set.</summary>
public sealed class TestOperation(TestOptions options)
{
    /// <summary>One result for each backup, newest first.</summary>
    public IAsyncEnumerable<TestResult> RunAsync(CancellationToken cancel) => throw new NotImplementedException(options.Path);
}
