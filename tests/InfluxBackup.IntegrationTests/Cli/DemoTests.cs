namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>The first thing that a newcomer runs.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task The_demo_verifies_everything_and_leaves_nothing()
    {
        using var temporary = new TemporaryDirectory();

        var run = (await CliProcess.RunAsync(new Dictionary<string, string> { ["TMPDIR"] = temporary }, "demo")).Expect(0);

        Assert.Contains("all equal", run.Output, StringComparison.Ordinal);
        Assert.Contains("Everything was verified", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
        // The runtime's own pipe for debuggers comes and goes in the same place.
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(temporary), e => Path.GetFileName(e).StartsWith("influxbackup", StringComparison.Ordinal));
    }
}
