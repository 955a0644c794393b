using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.DataDirectory;
using InfluxBackup.Tests.LineProtocol;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>Which files an export makes, and what is in each.</summary>
public sealed class ExportFilesTests : IDisposable
{
    private readonly GoldenServer golden = new("1.6.7-inmem");
    private readonly TemporaryDirectory output = new();
    private readonly DirectoryExportSource source;

    public ExportFilesTests() => source = new DirectoryExportSource(golden.Open(withMetadata: true));

    public void Dispose()
    {
        source.Dispose();
        golden.Dispose();
        output.Dispose();
    }

    private ExportOptions Options(string name) => new() { Source = source, Output = output[name] };

    [Theory]
    [InlineData(ExportSplit.RetentionPolicy, null)]
    [InlineData(ExportSplit.Day, null)]
    [InlineData(ExportSplit.Shard, null)]
    [InlineData(ExportSplit.None, 10_000)]
    [InlineData(ExportSplit.Shard, 5_000)]
    public async Task The_files_of_a_split_together_are_the_one_file(ExportSplit split, int? size)
    {
        var whole = Exports.Values(await Exports.LinesAsync(Options("none")));
        var told = new List<ExportedFile>();
        var result = await Exports.RunAsync(Options("split") with { Split = split, MaxFileSize = size }, told.Add);

        Assert.Equal(result.Files, told);
        Assert.True(result.Files.Count > 5, $"{result.Files.Count} files");
        Assert.Equal(Directory.GetFiles(output["split"]).Order(StringComparer.Ordinal), result.Files.Select(f => f.Path).Order(StringComparer.Ordinal));
        Assert.Equal(whole, Exports.Values(result.Files.SelectMany(f => PointLine.Parse(File.ReadAllBytes(f.Path)))));
        foreach (var file in result.Files)
        {
            AssertIsDescribed(file);
        }
    }

    private static void AssertIsDescribed(ExportedFile file)
    {
        var bytes = File.ReadAllBytes(file.Path);
        var lines = PointLine.Parse(bytes).ToList();
        Assert.NotEmpty(lines);
        Assert.Equal(lines.Count, file.Lines);
        Assert.Equal(lines.Sum(l => l.Fields.Count), file.Points);
        Assert.Equal(bytes.Length, file.Bytes);
        Assert.Equal(bytes.Length, file.TextBytes);
        Assert.Equal(ShardTime.ToDateTime(lines.Min(l => l.Time)), file.StartTime);
        Assert.Equal(ShardTime.ToDateTime(lines.Max(l => l.Time)), file.EndTime);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant(), file.Sha256);
    }

    [Fact]
    public async Task Files_are_named_for_every_file_system_after_database_policy_shard_and_day()
    {
        var byPolicy = await Names(ExportSplit.RetentionPolicy, null);
        Assert.Contains("dotted%2Edb-1%20gr%C3%B6%C3%9Fe.rp%2Ewith%2Edots.lp", byPolicy);
        Assert.Contains("golden.rp_1d.lp", byPolicy);
        Assert.Contains("golden.autogen.10.lp", await Names(ExportSplit.Shard, null));
        Assert.Contains("golden.rp_1d.2017-07-14.lp", await Names(ExportSplit.Day, null));
        Assert.Contains("golden.extremes.1677-09-21.lp", await Names(ExportSplit.Day, null));
        Assert.Contains("golden.extremes.2262-04-11.lp", await Names(ExportSplit.Day, null));
        Assert.Equal("export.0001.lp.gz", (await Names(ExportSplit.None, CompressionLevel.Fastest))[0]);
    }

    private async Task<List<string>> Names(ExportSplit split, CompressionLevel? compression)
    {
        var options = Options("names") with { Split = split, Compression = compression, MaxFileSize = split == ExportSplit.None ? 5000 : null, Force = true };
        return [.. (await Exports.RunAsync(options)).Files.Select(f => Path.GetFileName(f.Path))];
    }

    [Fact]
    public async Task What_is_compressed_unpacks_to_the_same_bytes()
    {
        var plain = await Exports.RunAsync(Options("a.lp"));
        foreach (var level in Enum.GetValues<CompressionLevel>())
        {
            var packed = await Exports.RunAsync(Options($"{level}.lp.gz") with { Compression = level });
            Assert.Equal(await File.ReadAllBytesAsync(output["a.lp"], TestContext.Current.CancellationToken), Exports.ReadFile(output[$"{level}.lp.gz"]));
            Assert.Equal(plain.Files[0].TextBytes, packed.Files[0].TextBytes);
            Assert.Equal(plain.Points, packed.Points);
        }
    }

    [Theory]
    [InlineData(null, false, "a.lp", null)]
    [InlineData(null, true, "a.lp", CompressionLevel.Fastest)]
    [InlineData(null, false, "a.lp.GZ", CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.SmallestSize, false, "a.lp", CompressionLevel.SmallestSize)]
    [InlineData(CompressionLevel.NoCompression, true, "a.lp.gz", CompressionLevel.NoCompression)]
    public void Compression_is_what_was_asked_for_or_what_the_name_says(CompressionLevel? level, bool compress, string name, CompressionLevel? expected) =>
        Assert.Equal(expected, ExportOptions.ChooseCompression(level, compress, name));

    [Fact]
    public async Task Joined_lines_and_one_field_a_line_have_the_same_values()
    {
        var joined = await Exports.LinesAsync(Options("a"));
        var split = await Exports.LinesAsync(Options("a") with { OneFieldPerLine = true });
        Assert.Equal(Exports.Values(joined), Exports.Values(split));
        Assert.Contains(joined, l => l.Fields.Count > 3);
        // One line for each series and time.
        Assert.Equal(joined.Count, joined.DistinctBy(l => (l.Context, l.Series, l.Time)).Count());
    }

    [Fact]
    public async Task Lines_alone_have_no_comments()
    {
        var (_, text) = await Exports.ReadAsync(Options("a") with { LineProtocolOnly = true });
        var (_, whole) = await Exports.ReadAsync(Options("a"));
        var lines = Encoding.Latin1.GetString(whole).Split('\n').Where(l => !l.StartsWith("# ", StringComparison.Ordinal) && !l.StartsWith("CREATE ", StringComparison.Ordinal));
        Assert.Equal(string.Join('\n', lines), Encoding.Latin1.GetString(text));
    }

    [Fact]
    public async Task The_statements_make_policies_as_they_are()
    {
        var (_, text) = await Exports.ReadAsync(Options("a"));
        var head = Encoding.UTF8.GetString(text)[..Encoding.UTF8.GetString(text).IndexOf("# DML", StringComparison.Ordinal)].Split('\n');
        Assert.Equal("# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z", head[0]);
        Assert.Equal("# DDL", head[1]);
        Assert.Contains("CREATE DATABASE \"golden\" WITH DURATION 876000h REPLICATION 1 SHARD DURATION 24h NAME \"rp_1d\"", head);
        Assert.Contains("CREATE RETENTION POLICY \"rp_1h\" ON \"golden\" DURATION 0s REPLICATION 1 SHARD DURATION 1h", head);
        Assert.Contains("CREATE DATABASE \"dotted.db-1 größe\" WITH DURATION 1680000h REPLICATION 1 SHARD DURATION 336h NAME \"two words\"", head);
    }

    [Fact]
    public async Task Without_metadata_the_default_policy_is_the_likely_one()
    {
        using var bare = new DirectoryExportSource(golden.Open(withMetadata: false));
        var (_, text) = await Exports.ReadAsync(new ExportOptions { Source = bare });
        var head = Encoding.UTF8.GetString(text).Split('\n');
        Assert.Contains("CREATE DATABASE \"golden\" WITH NAME \"autogen\"", head);
        Assert.Contains("CREATE RETENTION POLICY \"rp_1h\" ON \"golden\" DURATION 0s REPLICATION 1", head);
    }

    [Fact]
    public async Task A_range_of_times_is_exact_at_both_ends()
    {
        var all = await Exports.LinesAsync(Options("a"));
        var times = all.Select(l => l.Time).Distinct().Order().ToList();
        foreach (var at in (int[])[0, 1, times.Count / 3, times.Count / 2, times.Count - 2])
        {
            var range = new InfluxBackup.Tsm.TimeRange(times[at], times[at + 1]);
            Assert.Equal(
                Exports.Values(all.Where(l => l.Time == times[at] || l.Time == times[at + 1])),
                Exports.Values(await Exports.LinesAsync(Options("a") with { Times = range })));
        }
    }

    [Fact]
    public async Task Measurements_and_tags_choose_series()
    {
        var all = await Exports.LinesAsync(Options("a"));
        var chosen = await Exports.LinesAsync(Options("a") with { Measurements = ["enc", "d?ys"], Tags = [new("e", ["r*", "", "jitter"])] });
        var expected = all.Where(l => l.Series.Split(',')[0] is "enc" or "days"
            && (l.Series.Split(',').FirstOrDefault(t => t.StartsWith("e=", StringComparison.Ordinal)) is not { } tag || tag.StartsWith("e=r", StringComparison.Ordinal) || tag == "e=jitter"));
        Assert.Equal(Exports.Values(expected), Exports.Values(chosen));
        Assert.NotEmpty(chosen);
    }

    [Fact]
    public async Task What_a_selection_names_is_exported_and_nothing_else()
    {
        var all = await Exports.LinesAsync(Options("a"));
        var policy = await Exports.LinesAsync(Options("a") with { Selection = new ShardSelection { Databases = ["golden"], RetentionPolicies = ["rp_1h", "blocks"] } });
        Assert.Equal(Exports.Values(all.Where(l => l.Context is "golden/rp_1h" or "golden/blocks")), Exports.Values(policy));
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.LinesAsync(Options("a") with { Selection = new ShardSelection { Databases = ["nope"] } }));
        Assert.Equal("DatabaseNotFound", error.Id);
    }

    [Fact]
    public async Task A_file_is_there_even_if_nothing_is_in_it()
    {
        var result = await Exports.RunAsync(Options("empty.lp") with { Measurements = ["nothing"] });
        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(0, result.Lines);
        Assert.Null(result.Files[0].StartTime);
        Assert.EndsWith("# DML\n", await File.ReadAllTextAsync(output["empty.lp"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty((await Exports.RunAsync(Options("none") with { Measurements = ["nothing"], Split = ExportSplit.Day })).Files);
    }

    [Fact]
    public async Task What_is_there_is_replaced_only_if_that_was_asked_for()
    {
        await File.WriteAllTextAsync(output["a.lp"], "precious", TestContext.Current.CancellationToken);
        Assert.Equal("OutputExists", await ErrorId(Options("a.lp")));
        Assert.Equal("precious", await File.ReadAllTextAsync(output["a.lp"], TestContext.Current.CancellationToken));
        Assert.Equal(["a.lp"], Directory.GetFiles(output).Select(Path.GetFileName));
        await Exports.RunAsync(Options("a.lp") with { Force = true });
        Assert.StartsWith("# INFLUXDB EXPORT", await File.ReadAllTextAsync(output["a.lp"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(["a.lp"], Directory.GetFiles(output).Select(Path.GetFileName));

        Directory.CreateDirectory(output["split"]);
        await File.WriteAllTextAsync(Path.Combine(output["split"], "golden.blocks.lp"), "precious", TestContext.Current.CancellationToken);
        Assert.Equal("OutputExists", await ErrorId(Options("split") with { Split = ExportSplit.RetentionPolicy }));
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(output["split"], "golden.blocks.lp"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Options_that_make_no_sense_are_refused_before_anything_is_written()
    {
        Assert.Equal("TimeRangeInvalid", await ErrorId(Options("a") with { Times = new(2, 1) }));
        Assert.Equal("MaxFileSizeInvalid", await ErrorId(Options("a") with { MaxFileSize = 0 }));
        Assert.Equal("OutputNotSuitable", await ErrorId(Options("a") with { OutputStream = Stream.Null, Split = ExportSplit.Day }));
        Assert.Equal("OutputNotSuitable", await ErrorId(Options("a") with { OutputStream = Stream.Null, Resume = true }));
        Assert.Equal("OutputIsDirectory", await ErrorId(Options(".")));
        Assert.Equal("NothingToResume", await ErrorId(Options("a") with { Resume = true }));
        Assert.Empty(Directory.GetFileSystemEntries(output));
        await File.WriteAllTextAsync(output["file"], "", TestContext.Current.CancellationToken);
        Assert.Equal("PathNotWritable", await ErrorId(Options("file") with { Split = ExportSplit.Day }));
        Assert.Equal("PathNotWritable", await ErrorId(Options(Path.Combine("file", "a.lp"))));
    }

    [Fact]
    public async Task A_full_disk_is_named_and_nothing_gets_the_final_name()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        File.CreateSymbolicLink(output["a.lp" + LocalFile.PartialSuffix], "/dev/full");
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.RunAsync(Options("a.lp")));
        Assert.Equal("DiskFull", error.Id);
        Assert.Contains("-Resume", error.Remedy, StringComparison.Ordinal);
        Assert.False(File.Exists(output["a.lp"]));
    }

    private static async Task<string> ErrorId(ExportOptions options) => (await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.RunAsync(options))).Id;
}
