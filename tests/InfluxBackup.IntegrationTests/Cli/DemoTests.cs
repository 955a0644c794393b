namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>The first thing that a newcomer runs.</summary>
public sealed class DemoTests
{
    [Theory]
    [InlineData("demo")]
    [InlineData("demo", "--cluster")]
    public async Task The_demo_verifies_everything_and_leaves_nothing(params string[] arguments)
    {
        using var temporary = new TemporaryDirectory();

        var run = (await CliProcess.RunAsync(new Dictionary<string, string> { ["TMPDIR"] = temporary }, arguments)).Expect(0);

        Assert.Contains("all equal", run.Output, StringComparison.Ordinal);
        Assert.Contains("Everything was verified", run.Output, StringComparison.Ordinal);
        // Of the cluster two nodes are dead, and the other cluster has fewer data nodes than a policy wants copies.
        Assert.All(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches("refuses the connection|is to have 3 copies|fewer copies than their policy wants", line));
        Assert.Equal(arguments.Length == 1, run.Error.Length == 0);
        // The runtime's own pipe for debuggers comes and goes in the same place.
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(temporary), e => Path.GetFileName(e).StartsWith("influxbackup", StringComparison.Ordinal));
    }
}
