using System.Text.Json;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary><c>influxbackup test</c> and <c>shards</c> on sets and directories: what they find, how deeply they look, what they print.</summary>
public sealed class TestVerbTests
{
    private static string Data(params string[] path) => Path.Combine([AppContext.BaseDirectory, "Data", .. path]);

    [Fact]
    public async Task A_finding_is_told_with_its_place_series_and_time()
    {
        var run = (await CliProcess.RunAsync("test", "--path", Data("hostile", "tsm-bitflip-value"), "--json")).Expect(3);

        var finding = Assert.Single(run.OutputObjects).GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("severity").GetString() == "Error");
        Assert.Equal("TsmBlockChecksum", finding.GetProperty("check").GetString());
        Assert.Equal("000000001-000000001.tsm", finding.GetProperty("entry").GetString());
        Assert.Equal(10281, finding.GetProperty("offset").GetInt64());
        Assert.Equal(("b5000", "i"), (finding.GetProperty("series").GetString(), finding.GetProperty("field").GetString()));
        Assert.Equal("1969-12-31T23:59:59.9985Z", finding.GetProperty("startTime").GetString());

        var lines = (await CliProcess.RunAsync("test", "--path", Data("hostile", "tsm-bitflip-value"))).Expect(3).Output;
        Assert.Contains("b5000 field i", lines, StringComparison.Ordinal);
        Assert.Contains("[TsmBlockChecksum]", lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quick_test_and_a_share_say_how_many_shards_were_read_deeply()
    {
        var golden = Data("1.6.7-tsi1", "portable");
        Assert.Contains("0 of 22 shards read deeply", (await CliProcess.RunAsync("test", "--path", golden, "--quick")).Expect(0).Output, StringComparison.Ordinal);
        var share = Assert.Single((await CliProcess.RunAsync("test", "--path", golden, "--read-data-subset", "1/3", "--json")).Expect(0).OutputObjects);
        Assert.InRange(share.GetProperty("deepShardCount").GetInt32(), 1, 21);
        Assert.DoesNotContain("deeply", (await CliProcess.RunAsync("test", "--path", golden)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("31/30")]
    [InlineData("ten")]
    [InlineData("0%")]
    public async Task A_share_that_makes_no_sense_is_wrong_use(string share)
    {
        var run = (await CliProcess.RunAsync("test", "--path", Data("1.6.7-tsi1", "portable"), "--read-data-subset", share)).Expect(2);
        Assert.Contains("3/30", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shards_of_a_backup_are_counted_in_detail()
    {
        var shards = (await CliProcess.RunAsync("shards", "--path", Data("1.6.7-tsi1", "portable"), "--detailed", "--json")).Expect(0).OutputObjects;
        Assert.Equal(22, shards.Count);
        Assert.All(shards, s => Assert.True(s.GetProperty("series").GetInt64() > 0 && s.GetProperty("points").GetInt64() > 0));
        Assert.Contains("SERIES", (await CliProcess.RunAsync("shards", "--path", Data("1.6.7-tsi1", "portable"), "--detailed")).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shard_that_cannot_be_read_is_an_error_beside_the_others()
    {
        var run = (await CliProcess.RunAsync("shards", "--path", Data("hostile", "tsm-huge-key-length"), "--detailed", "--json")).Expect(3);
        Assert.Equal(2, run.OutputObjects.Count);
        Assert.Single(run.OutputObjects, s => s.TryGetProperty("error", out var error) && error.GetProperty("id").GetString() == "TsmFileDamaged");
        Assert.Contains("TsmFileDamaged", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Directories_are_listed_and_counted()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["data/db/rp/7"]);
        Directory.CreateDirectory(directory["wal/db/rp/7"]);
        File.Copy(Data("hostile", "tsm", "sound-86-bytes.tsm"), directory["data/db/rp/7/000000001-000000001.tsm"]);
        File.Copy(Data("hostile", "wal", "_sound.wal"), directory["wal/db/rp/7/_00001.wal"]);

        var listed = Assert.Single((await CliProcess.RunAsync("shards", "--data-directory", directory["data"], "--json")).Expect(0).OutputObjects);
        Assert.Equal(1, listed.GetProperty("tsmFiles").GetInt32());
        Assert.False(listed.TryGetProperty("points", out _));
        var read = Assert.Single((await CliProcess.RunAsync(
            "shards", "--data-directory", directory["data"], "--wal-directory", directory["wal"], "--detailed", "--json")).Expect(0).OutputObjects);
        Assert.True(read.GetProperty("points").GetInt64() > 1);
        Assert.Equal(JsonValueKind.True, read.GetProperty("hasPendingDeletes").ValueKind);
    }

    [Theory]
    [InlineData("shards", "--wal-directory", "x")]
    [InlineData("shards", "--data-node", "localhost", "--detailed")]
    [InlineData("shards", "--path", "x", "--data-directory", "y")]
    public async Task Options_that_do_not_go_together_are_wrong_use(params string[] arguments) => (await CliProcess.RunAsync(arguments)).Expect(2);
}
