using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using InfluxBackup.Tests.LineProtocol;
using InfluxBackup.Tests.Operations.Export;
using InfluxBackup.Tests.Tsm.Merging;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary><c>influxbackup export</c> as a process: what it prints, how it ends, and what a kill leaves.</summary>
public sealed class ExportCliTests : IDisposable
{
    private readonly GeneratedServer server = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static GeneratedFile Small { get; } = new(
        [new GeneratedBlock("m,t=1", "f", [(1, 1.5), (2, 2.5)]), new GeneratedBlock("m,t=1", "g", [(3, "a\nb")])], []);

    private static string Set { get; } = Path.Combine(AppContext.BaseDirectory, "Data", "1.6.7-inmem", "portable");

    public void Dispose() => server.Dispose();

    [Fact]
    public async Task Standard_output_is_the_file_and_nothing_else()
    {
        (await CliProcess.RunAsync("export", "--path", Set, "--output", server["a.lp"], "--database", "golden")).Expect(0);
        var stdout = (await CliProcess.RunAsync("export", "--path", Set, "--output", "-", "--database", "golden")).Expect(0);
        Assert.Equal(await File.ReadAllTextAsync(server["a.lp"], Cancel), stdout.Output);
        Assert.Contains("complete", stdout.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_result_as_an_object_names_files_findings_and_hashes()
    {
        var run = (await CliProcess.RunAsync("export", "--path", Set, "--output", server["split"], "--split-by", "Shard", "--json")).Expect(3);
        var result = run.OutputObjects[^1];
        Assert.Equal("partial", result.GetProperty("outcome").GetString(), ignoreCase: true);
        Assert.Equal(2, result.GetProperty("findingCount").GetInt32());
        foreach (var file in result.GetProperty("files").EnumerateArray())
        {
            var bytes = await File.ReadAllBytesAsync(file.GetProperty("path").GetString()!, Cancel);
            Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), file.GetProperty("sha256").GetString(), ignoreCase: true);
        }
    }

    [Fact]
    public async Task A_plan_is_shown_and_nothing_is_written()
    {
        var run = (await CliProcess.RunAsync("export", "--path", Set, "--output", server["a.lp"], "--what-if", "--json")).Expect(0);
        Assert.Equal(22, run.OutputObjects[^1].GetProperty("shardCount").GetInt32());
        Assert.False(File.Exists(server["a.lp"]));
    }

    [Theory]
    [InlineData("--output", "a")]
    [InlineData("--path", "set", "--data-directory", "data", "--output", "a")]
    [InlineData("--path", "set")]
    [InlineData("--path", "set", "--output", "a", "--start", "noon")]
    [InlineData("--path", "set", "--output", "a", "--max-file-size", "many")]
    [InlineData("--path", "set", "--output", "a", "--tag", "host")]
    [InlineData("--path", "set", "--output", "a", "--split-by", "Year")]
    public async Task Options_that_make_no_sense_end_with_2(params string[] arguments) => (await CliProcess.RunAsync(["export", .. arguments])).Expect(2);

    [Fact]
    public async Task What_exists_is_replaced_by_force_alone()
    {
        server.Add("db/rp/1", 1, Small);
        string[] arguments = ["export", "--data-directory", server.Data, "--output", server["a.lp"], "--json"];
        (await CliProcess.RunAsync(arguments)).Expect(0);
        Assert.Equal(["OutputExists"], (await CliProcess.RunAsync(arguments)).Expect(1).ErrorIds);
        (await CliProcess.RunAsync([.. arguments, "--force"])).Expect(0);
        Assert.Equal(["NothingToResume"], (await CliProcess.RunAsync([.. arguments, "--resume"])).Expect(1).ErrorIds);
    }

    [Fact]
    public async Task Damage_ends_it_and_may_be_left_out()
    {
        var path = server.Add("db/rp/1", 1, Small);
        var bytes = await File.ReadAllBytesAsync(path, Cancel);
        bytes[30] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, Cancel);
        Directory.CreateDirectory(server["wal"]);
        Directory.CreateDirectory(server["temporary"]);
        string[] arguments = ["export", "--data-directory", server.Data, "--wal-directory", server["wal"], "--output", server["a.lp"], "--json"];
        var variables = new Dictionary<string, string> { ["TMPDIR"] = server["temporary"] };

        var error = (await CliProcess.RunAsync(variables, arguments)).Expect(1).ErrorObjects[^1].GetProperty("error");
        Assert.Equal("TsmFileDamaged", error.GetProperty("id").GetString());
        Assert.Contains("000000001-000000001.tsm", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("--allow-partial", error.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.False(File.Exists(server["a.lp"]));

        var finding = (await CliProcess.RunAsync(variables, [.. arguments, "--allow-partial"])).Expect(3).OutputObjects[^1].GetProperty("findings")[0];
        Assert.Equal("BlockDamaged", finding.GetProperty("check").GetString());
        Assert.Equal(JsonValueKind.Number, finding.GetProperty("offset").ValueKind);
        Assert.Equal("m,t=1", Assert.Single(PointLine.Parse(await File.ReadAllBytesAsync(server["a.lp"], Cancel))).Series);
        Assert.Empty(Directory.GetFileSystemEntries(server["temporary"]));
    }

    [Fact]
    public async Task A_reader_that_goes_away_is_an_error_and_no_crash()
    {
        MakeLarge(8);
        var run = await CliProcess.RunProgramAsync(
            "/bin/sh", "-c", $"('{CliProcess.ProgramPath}' export --data-directory '{server.Data}' --output - --json; echo ended with $? >&2) | head -c 1000");
        Assert.Equal(1000, run.Output.Length);
        Assert.Contains("PathNotWritable", run.Error, StringComparison.Ordinal);
        Assert.Contains("standard output", run.Error, StringComparison.Ordinal);
        Assert.Contains("ended with 1", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_was_killed_is_resumed_to_the_same_bytes()
    {
        MakeLarge(60);
        string[] slow = ["export", "--data-directory", server.Data, "--compression-level", "SmallestSize", "--throttle-limit", "1", "--quiet"];
        var output = server["a.lp.gz"];
        using (var process = CliProcess.Start([.. slow, "--output", output]))
        {
            while (!File.Exists(output + ".partial"))
            {
                Assert.False(process.HasExited, "It ended before it was met in the middle.");
                await Task.Delay(1, Cancel);
            }

            // The journal is written anew every five seconds, at the end of a shard.
            await process.PauseAsync(TimeSpan.FromSeconds(5.1));
            while (!File.Exists(output + ".resume") || (await File.ReadAllTextAsync(output + ".resume", Cancel)).Contains("\"UnitsDone\":0,", StringComparison.Ordinal))
            {
                Assert.False(process.HasExited, "It ended before it was met in the middle.");
                await Task.Delay(1, Cancel);
            }

            process.Kill();
            await process.WaitAsync();
        }

        Assert.False(File.Exists(output));
        var before = new FileInfo(output + ".partial").Length;
        (await CliProcess.RunAsync([.. slow, "--output", output, "--resume"])).Expect(0);
        Assert.Equal(["a.lp.gz"], Directory.GetFiles(Path.GetDirectoryName(output)!).Select(Path.GetFileName));
        Assert.True(before < new FileInfo(output).Length);

        // What one run writes, with other threads.
        (await CliProcess.RunAsync("export", "--data-directory", server.Data, "--compression-level", "SmallestSize", "--quiet", "--output", server["whole.lp.gz"])).Expect(0);
        Assert.Equal(SHA256.HashData(await File.ReadAllBytesAsync(server["whole.lp.gz"], Cancel)), SHA256.HashData(await File.ReadAllBytesAsync(output, Cancel)));
    }

    /// <summary>So many shards of 50,000 points of noise.</summary>
    private void MakeLarge(int shards)
    {
        var random = new Random(1);
        var file = new GeneratedFile(
            [.. Enumerable.Range(0, 50).Select(b => new GeneratedBlock("measurement,tag=value", "field", [.. Enumerable.Range(0, 1000).Select(i => ((b * 1000L) + i, (object)random.NextDouble()))]))], []).ToTsm();
        for (var shard = 1; shard <= shards; shard++)
        {
            var directory = Directory.CreateDirectory(Path.Combine(server.Data, "db", "rp", $"{shard}"));
            File.WriteAllBytes(Path.Combine(directory.FullName, "000000001-000000001.tsm"), file);
        }
    }
}
