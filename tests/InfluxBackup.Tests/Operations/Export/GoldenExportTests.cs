using InfluxBackup.Operations;
using InfluxBackup.Tests.DataDirectory;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>What real servers left is exported as their own tool does it, and as they answered.</summary>
public sealed class GoldenExportTests
{
    [Theory]
    [InlineData("1.4.3-inmem")]
    [InlineData("1.4.3-tsi1")]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.6.7-tsi1")]
    [InlineData("1.11.8-tsi1")]
    public async Task An_export_is_what_the_official_tool_exports_with_the_newest_of_each_point(string server)
    {
        using var golden = new GoldenServer(server);
        using var source = new DirectoryExportSource(golden.Open(withMetadata: true));
        var lines = await Exports.LinesAsync(new ExportOptions { Source = source, OneFieldPerLine = true });
        Assert.All(lines, l => Assert.Single(l.Fields));
        Assert.Equal(GoldenExport.Values(server), Exports.Values(lines).Where(v => !GoldenExport.IsDeletedInWal(v)));
    }

    [Theory]
    [InlineData("1.4.3-inmem", "1.6.7-inmem", true)]
    [InlineData("1.4.3-tsi1", "1.6.7-tsi1", false)]
    [InlineData("1.6.7-inmem", "1.6.7-inmem", false)]
    [InlineData("1.6.7-tsi1", "1.6.7-tsi1", true)]
    [InlineData("1.11.8-tsi1", "1.11.8-tsi1", false)]
    public async Task An_export_is_what_the_server_answered(string server, string answers, bool oneFieldPerLine)
    {
        using var golden = new GoldenServer(server);
        using var source = new DirectoryExportSource(golden.Open(withMetadata: true));
        var lines = await Exports.LinesAsync(new ExportOptions { Source = source, OneFieldPerLine = oneFieldPerLine });
        var (measurements, values) = QueryAnswers.AssertSame(
            Path.Combine(TestData.Directory, answers, "queries.json"), GoldenExport.Stored(lines), withDeletes: true, "line\nfeed");
        Assert.True(measurements > 30 && values > 8000, $"{measurements} measurements, {values} values");
    }

    [Theory]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.6.7-tsi1")]
    [InlineData("1.11.8-tsi1")]
    public async Task A_portable_backup_of_the_official_tool_exports_as_the_directories_do(string server)
    {
        using var golden = new GoldenServer(server);
        using var directories = new DirectoryExportSource(golden.Open(withMetadata: true));
        using var backup = new BackupExportSource(TestData.Golden(server), timestamp: null, combine: false);
        var expected = await Exports.ReadAsync(new ExportOptions { Source = directories });
        var actual = await Exports.ReadAsync(new ExportOptions { Source = backup });
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(expected.Result.Points, actual.Result.Points);
        Assert.Equal(22, actual.Result.ShardCount);
    }

    [Fact]
    public async Task Series_that_line_protocol_has_no_form_for_are_named_and_the_result_is_partial()
    {
        using var golden = new GoldenServer("1.6.7-inmem");
        using var source = new DirectoryExportSource(golden.Open(withMetadata: true));
        var (result, text) = await Exports.ReadAsync(new ExportOptions { Source = source });
        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(2, result.FindingCount);
        Assert.All(result.Findings, f => Assert.Equal("SeriesNotWritable", f.Check));
        Assert.Contains(result.Findings, f => f.Series == "#hash,t=x" && f.Message.Contains("comment", StringComparison.Ordinal));
        Assert.Contains(result.Findings, f => f.Series == "line\\x0afeed,t=x" && f.ShardId == 24);
        Assert.NotEqual(-1, text.AsSpan().IndexOf("\n#hash,t=x f="u8));
        Assert.Equal(-1, text.AsSpan().IndexOf("\nline\n"u8));
    }

    [Fact]
    public async Task Without_metadata_the_points_are_the_same()
    {
        using var golden = new GoldenServer("1.6.7-inmem");
        using var with = new DirectoryExportSource(golden.Open(withMetadata: true));
        using var without = new DirectoryExportSource(golden.Open(withMetadata: false));
        Assert.Equal(
            Exports.Values(await Exports.LinesAsync(new ExportOptions { Source = with })),
            Exports.Values(await Exports.LinesAsync(new ExportOptions { Source = without })));
    }
}
