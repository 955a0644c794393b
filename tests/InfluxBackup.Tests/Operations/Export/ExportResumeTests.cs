using System.Diagnostics;
using System.IO.Compression;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>
/// Wherever a run is stopped, resuming makes the files that one run would have made. What a killed process leaves is taken from a run
/// that goes on: copies of its directory at many moments.
/// </summary>
public sealed class ExportResumeTests : IDisposable
{
    private readonly GeneratedServer server = GeneratedServer.WithNoise();

    public void Dispose() => server.Dispose();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ExportSplit.None, null, null)]
    [InlineData(ExportSplit.None, null, CompressionLevel.Fastest)]
    [InlineData(ExportSplit.None, 700_000, null)]
    [InlineData(ExportSplit.RetentionPolicy, null, CompressionLevel.Fastest)]
    [InlineData(ExportSplit.RetentionPolicy, 700_000, null)]
    [InlineData(ExportSplit.Shard, null, null)]
    [InlineData(ExportSplit.Day, null, null)]
    [InlineData(ExportSplit.Day, 300_000, CompressionLevel.Fastest)]
    public async Task A_run_that_was_killed_at_any_moment_is_resumed_to_the_same_bytes(ExportSplit split, int? size, CompressionLevel? compression)
    {
        var several = split != ExportSplit.None || size is not null;
        var options = server.Options(several ? server["out"] : Path.Combine(server["out"], "a.lp")) with
        {
            Split = split, MaxFileSize = size, Compression = compression, CheckpointInterval = TimeSpan.Zero,
        };
        var expected = await Exports.RunAsync(options);
        var expectedFiles = Contents(server["out"]);
        Assert.DoesNotContain(expectedFiles.Keys, k => k.EndsWith(".partial", StringComparison.Ordinal) || k.Contains(".resume", StringComparison.Ordinal));
        Directory.Delete(server["out"], recursive: true);

        var moments = new List<Dictionary<string, byte[]>>();
        await Exports.RunAsync(
            options with { Progress = new Snapshots(() => moments.Add(Contents(server["out"]))) },
            file =>
            {
                moments.Add(Contents(server["out"]));
                // Just before it got its name.
                moments.Add(Contents(server["out"]));
                moments[^1].Remove(Path.GetFileName(file.Path), out var bytes);
                moments[^1].Add(Path.GetFileName(file.Path) + ".partial", bytes!);
            });
        Assert.True(moments.Count >= 12, $"{moments.Count} moments");

        // Some of them, others each time: everything is flushed to the disk many times on the way.
        var resumable = moments.Where(m => m.Keys.Any(k => k.EndsWith(".resume", StringComparison.Ordinal))).ToArray();
        Random.Shared.Shuffle(resumable);
        foreach (var moment in resumable.Take(6))
        {
            Restore(moment);
            var result = await Exports.RunAsync(options with { Resume = true });
            Assert.Equal(expectedFiles, Contents(server["out"]));
            Assert.Equal(expected.Files, result.Files);
        }
    }

    [Fact]
    public async Task A_run_that_was_resumed_can_be_killed_and_resumed_again()
    {
        var options = server.Options(server["out"]) with { Split = ExportSplit.Shard, MaxFileSize = 700_000, CheckpointInterval = TimeSpan.Zero };
        var expected = await Exports.RunAsync(options);
        var expectedFiles = Contents(server["out"]);
        Directory.Delete(server["out"], recursive: true);
        for (var stops = 1; ; stops++)
        {
            Assert.True(stops < 100, "It gets nowhere.");
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var files = 0;
            try
            {
                var result = await Exports.RunAsync(options with { Resume = stops > 1 }, _ => StopAfter(6), stop.Token);
                Assert.True(stops > 2);
                Assert.Equal(expected.Files, result.Files);
                Assert.Equal(expectedFiles, Contents(server["out"]));
                return;
            }
            catch (OperationCanceledException)
            {
            }

            void StopAfter(int most)
            {
                if (++files == most)
                {
                    stop.Cancel();
                }
            }
        }
    }

    [Fact]
    public async Task Only_the_same_export_is_resumed()
    {
        var options = server.Options(Path.Combine(server["out"], "a.lp")) with { CheckpointInterval = TimeSpan.Zero };
        await StopInTheMiddle(options);
        Assert.False(File.Exists(options.Output));
        Assert.Equal("ResumeNotPossible", await ErrorId(options with { Resume = true, OneFieldPerLine = true }));
        Assert.Equal("ResumeNotPossible", await ErrorId(options with { Resume = true, Measurements = ["m"] }));
        Assert.Equal("ResumeNotPossible", await ErrorId(options with { Resume = true, Compression = CompressionLevel.Fastest }));
        await File.WriteAllTextAsync(options.Output + ".resume", "{\"Fingerprint\":", Cancel);
        Assert.Equal("ResumeNotPossible", await ErrorId(options with { Resume = true }));
        // Without being asked to resume, it starts anew.
        Assert.Equal(Outcome.Complete, (await Exports.RunAsync(options)).Outcome);
    }

    [Fact]
    public async Task A_file_of_somebody_else_is_not_replaced_by_a_resumed_run()
    {
        var options = server.Options(server["out"]) with { Split = ExportSplit.Shard, CheckpointInterval = TimeSpan.Zero };
        await StopInTheMiddle(options);
        var foreign = Path.Combine(server["out"], "x%20y.gr%C3%B6%C3%9Fe.5.lp");
        await File.WriteAllTextAsync(foreign, "precious", Cancel);
        Assert.Equal("OutputExists", await ErrorId(options with { Resume = true }));
        Assert.Equal("precious", await File.ReadAllTextAsync(foreign, Cancel));
        File.Delete(foreign);
        Assert.Equal(6, (await Exports.RunAsync(options with { Resume = true })).Files.Count);
    }

    [Fact]
    public async Task A_run_that_ends_leaves_no_temporary_files()
    {
        var before = Directory.GetFileSystemEntries(Path.GetTempPath(), "influxbackup-*").Length;
        for (var i = 0; i < 3; i++)
        {
            await StopInTheMiddle(server.Options(Path.Combine(server["out"], $"{i}.lp")));
        }

        Assert.InRange(Directory.GetFileSystemEntries(Path.GetTempPath(), "influxbackup-*").Length - before, int.MinValue, 30);
    }

    private static async Task StopInTheMiddle(ExportOptions options)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var ended = 0;
        var stopping = new Snapshots(() =>
        {
            if (++ended == 6)
            {
                stop.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Exports.RunAsync(options with { Progress = stopping }, null, stop.Token));
    }

    private static async Task<string> ErrorId(ExportOptions options) => (await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.RunAsync(options))).Id;

    private static Dictionary<string, byte[]> Contents(string directory) => !Directory.Exists(directory)
        ? []
        : Directory.GetFiles(directory).ToDictionary(f => Path.GetFileName(f), ReadOpenFile);

    /// <summary>A file that is being written is locked against this process, as .NET does it, but not against others.</summary>
    private static byte[] ReadOpenFile(string path)
    {
        if (!path.EndsWith(".partial", StringComparison.Ordinal))
        {
            return File.ReadAllBytes(path);
        }

        using var cat = Process.Start(new ProcessStartInfo("cat", [path]) { RedirectStandardOutput = true })!;
        using var bytes = new MemoryStream();
        cat.StandardOutput.BaseStream.CopyTo(bytes);
        cat.WaitForExit();
        return bytes.ToArray();
    }

    private void Restore(Dictionary<string, byte[]> files)
    {
        Directory.Delete(server["out"], recursive: true);
        Directory.CreateDirectory(server["out"]);
        foreach (var (name, bytes) in files)
        {
            File.WriteAllBytes(Path.Combine(server["out"], name), bytes);
        }
    }

    private sealed class Snapshots(Action take) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => take();
    }
}
