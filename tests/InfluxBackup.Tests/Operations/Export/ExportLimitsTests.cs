using System.Text;
using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Export;

public sealed class ExportLimitsTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("influxbackup-test-").FullName;
    private int files;

    [Fact]
    public async Task A_field_that_no_line_can_hold_is_reported_wherever_in_its_series_it_stands()
    {
        const int Fields = 600;
        var wide = new BuiltFile();
        for (var i = 0; i < Fields; i++)
        {
            wide.Integers("cpu", $"f{i:000}" + (i == Fields - 1 ? "\n" : ""), (1, i));
        }
        Add(wide);

        var (result, text) = await ExportAsync();

        Assert.Single(result.Findings, f => f.Check == "SeriesNotWritable");
        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(Fields - 1, text.Split('=').Length - 1);
    }

    [Fact]
    public async Task A_field_that_no_line_can_hold_is_reported_though_it_comes_late_in_a_long_series()
    {
        const int Points = 200_000;
        var random = new Random(1);
        var series = new BuiltFile();
        for (var block = 0; block < Points / 1000; block++)
        {
            series.Integers("cpu", "a", [.. Enumerable.Range(block * 1000, 1000).Select(t => ((long)t, random.NextInt64()))]);
        }
        Add(series.Integers("cpu", "b\nc", (Points - 1, 1)));

        var (result, text) = await ExportAsync();

        Assert.Single(result.Findings, f => f.Check == "SeriesNotWritable");
        Assert.Equal(Points, text.Count(c => c == '\n'));
    }

    [Fact]
    public async Task Long_strings_make_many_chunks_and_no_large_one()
    {
        const int Length = 64 << 10;
        Add(new BuiltFile().Strings("log", "line", Noise(Length), [.. Enumerable.Range(0, 500).Select(i => (long)i)]));
        using var text = new WrittenChunks();

        await RunAsync(text);

        Assert.Equal(500, text.Lines);
        Assert.InRange(text.Largest, Length, 20 * Length);
    }

    [Fact]
    public async Task Fields_of_large_blocks_are_not_all_in_memory_at_once()
    {
        var file = new BuiltFile();
        for (var i = 0; i < 200; i++)
        {
            file.Strings("log", $"f{i:000}", Noise(100_000), [.. Enumerable.Range(0, 10).Select(t => (long)(100 * i) + t)]);
        }
        var path = Add(file);
        using var text = new WrittenChunks { Written = () => Truncate(path) };

        // They would be if all could still be written when the file is gone.
        await Assert.ThrowsAsync<InfluxBackupException>(() => RunAsync(text));
    }

    [Fact]
    public async Task Strings_of_together_more_than_an_array_holds_overrun_nothing()
    {
        Assert.SkipUnless(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes > 6L << 30, "Takes 2 GB.");
        var text = new byte[250 << 20];
        var file = new BuiltFile();
        for (var i = 0; i < 5; i++)
        {
            file.Strings("log", $"f{i}", text, 1);
        }
        Add(file);
        using var chunks = new WrittenChunks();

        var result = await RunAsync(chunks);

        Assert.Equal(5, result.Points);
        Assert.InRange(chunks.Total, 5L * text.Length, 5L * text.Length + 1000);
    }

    [Fact]
    public async Task Damage_of_an_index_names_the_file()
    {
        Add(new BuiltFile().Integers("cpu", "a", (1, 1)));
        var bytes = new BuiltFile().Integers("cpu", "a", (1, 1)).Integers("cpu", "b", (1, 1)).ToArray();
        bytes[bytes.AsSpan().LastIndexOf("cpu#!~#b"u8)] = (byte)'a';
        var path = Add(bytes);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => RunAsync(Stream.Null));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_becomes_shorter_meanwhile_is_an_error_that_names_it()
    {
        var file = new BuiltFile();
        for (var i = 0; i < 200; i++)
        {
            file.Strings("log", "line", Noise(100_000), [.. Enumerable.Range(0, 10).Select(t => (long)(100 * i) + t)]);
        }
        var path = Add(file);
        using var text = new WrittenChunks { Written = () => Truncate(path) };

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => RunAsync(text));

        Assert.Equal(ErrorKind.Read, error.Kind);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_measurement_and_a_database_of_one_name_are_different_exports_to_a_resumed_run()
    {
        Add(new BuiltFile().Integers("cpu", "a", (1, 1)));
        var output = Path.Combine(directory, "out.lp");
        using var source = new DirectoryExportSource(ServerDirectories.Open(Path.Combine(directory, "data"), null));
        var options = new ExportOptions { Source = source, Output = output };
        using var stop = new CancellationTokenSource();
        var first = new ExportOperation(options with { Measurements = ["db"] });
        var plan = await first.PlanAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.RunAsync(plan, null, stop.Token));

        var second = new ExportOperation(options with { Selection = new ShardSelection { Databases = ["db"] }, Resume = true });
        plan = await second.PlanAsync(TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => second.RunAsync(plan, null, TestContext.Current.CancellationToken));

        Assert.Equal("ResumeNotPossible", error.Id);
    }

    [Fact]
    public async Task A_shard_that_can_be_read_only_after_the_days_were_planned_is_exported_whole()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        const long Day = 86_400_000_000_000;
        var path = Add(new BuiltFile().Integers("cpu", "a", (1 * Day, 1), (2 * Day, 2), (3 * Day, 3)));
        File.Move(path, path + ".tmp");
        File.CreateSymbolicLink(path, path + ".missing");
        using var source = new DirectoryExportSource(ServerDirectories.Open(Path.Combine(directory, "data"), null));
        var operation = new ExportOperation(new ExportOptions { Source = source, Output = Path.Combine(directory, "out"), Split = ExportSplit.Day, AllowPartial = true });
        var plan = await operation.PlanAsync(TestContext.Current.CancellationToken);
        File.Move(path + ".tmp", path + ".missing");

        var result = await operation.RunAsync(plan, null, TestContext.Current.CancellationToken);

        Assert.Equal(3, result.Points);
    }

    [Theory]
    [InlineData("\t")]
    [InlineData("\0")]
    public async Task A_series_whose_line_would_be_read_as_something_else_is_reported(string first)
    {
        Add(new BuiltFile().Integers(first + "cpu", "a", (1, 1)).Integers(first + "cpu", "b", (1, 1)).Integers("cpu", "a", (1, 1)));

        var (result, text) = await ExportAsync();

        Assert.Single(result.Findings, f => f.Check == "SeriesNotWritable");
        Assert.Equal("cpu a=1i 1\n", text);
    }

    [Fact]
    public async Task A_series_whose_lines_are_comments_is_written_and_reported()
    {
        Add(new BuiltFile().Integers("#cpu", "a", (1, 1)).Integers("#cpu", "b", (1, 1)).Integers("cpu", "a", (1, 1)));

        var (result, text) = await ExportAsync();

        Assert.Single(result.Findings, f => f.Check == "SeriesNotWritable");
        Assert.Equal("#cpu a=1i,b=1i 1\ncpu a=1i 1\n", text);
    }

    private static void Truncate(string path) => File.Open(path, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite).Dispose();

    /// <summary>Text that does not become shorter when it is packed.</summary>
    private static byte[] Noise(int length)
    {
        var text = new byte[length];
        new Random(length).NextBytes(text);
        text.AsSpan().Replace((byte)'\n', (byte)' ');
        return text;
    }

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private string Add(BuiltFile file) => Add(file.ToArray());

    private string Add(byte[] tsm)
    {
        var shard = Directory.CreateDirectory(Path.Combine(directory, "data", "db", "autogen", "1")).FullName;
        var path = Path.Combine(shard, $"{++files:000000000}-000000001.tsm");
        File.WriteAllBytes(path, tsm);
        return path;
    }

    private async Task<(ExportResult Result, string Text)> ExportAsync()
    {
        using var text = new MemoryStream();
        var result = await RunAsync(text);
        return (result, Encoding.UTF8.GetString(text.ToArray()));
    }

    private async Task<ExportResult> RunAsync(Stream output)
    {
        using var source = new DirectoryExportSource(ServerDirectories.Open(Path.Combine(directory, "data"), null));
        var operation = new ExportOperation(new ExportOptions { Source = source, OutputStream = output, LineProtocolOnly = true, Parallelism = 2 });
        return await operation.RunAsync(await operation.PlanAsync(TestContext.Current.CancellationToken), null, TestContext.Current.CancellationToken);
    }

    /// <summary>Counts what is written to it.</summary>
    private sealed class WrittenChunks : MemoryStream
    {
        public int Largest { get; private set; }

        public int Lines { get; private set; }

        public long Total { get; private set; }

        public Action? Written { get; init; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Largest = Math.Max(Largest, buffer.Length);
            Lines += buffer.Count((byte)'\n');
            Total += buffer.Length;
            Written?.Invoke();
        }
    }
}
