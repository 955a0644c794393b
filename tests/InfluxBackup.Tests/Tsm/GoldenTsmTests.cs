using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>Files of real servers are sound.</summary>
public class GoldenTsmTests
{
    public static TheoryData<string> Archives => [.. new[] { "1.6.7-inmem/portable", "1.6.7-tsi1/portable", "1.11.8-tsi1/portable", "tsm" }
        .SelectMany(folder => Directory.GetFiles(Path.Combine(GoldenFiles.Root, folder), "*.tar.gz"))
        .Select(path => Path.GetRelativePath(GoldenFiles.Root, path))];

    [Theory]
    [MemberData(nameof(Archives))]
    public void Files_of_real_servers_are_sound(string archive)
    {
        foreach (var (name, bytes) in GoldenFiles.Unpack(Path.Combine(GoldenFiles.Root, archive)).Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal)))
        {
            var report = TsmFileVerifier.Verify(TsmFile.FromMemory(bytes, name), CancellationToken.None);
            Assert.Empty(report.Problems);
            Assert.True(report.Keys > 0 && report.Blocks >= report.Keys && report.Points >= report.Blocks);
            Assert.True(report.MinTime <= report.MaxTime);
        }
    }

    [Fact]
    public void The_smallest_file_is_read_from_disk_as_the_reference_draws_it()
    {
        using var file = TsmFile.Open(Path.Combine(GoldenFiles.Root, "hostile", "tsm", "sound-86-bytes.tsm"));
        using var index = file.ReadIndex();
        using var points = new TsmPoints();

        Assert.True(index.ReadKey());
        Assert.Equal("m#!~#f"u8, index.Key);
        Assert.Equal(TsmBlockType.Float, index.Type);
        Assert.True(index.ReadEntry(out var entry));
        Assert.Equal(new TsmIndexEntry(1500000000000000000, 1500000000000000000, 5, 34), entry);
        var block = new byte[entry.BlockSize];
        file.Read(entry.BlockOffset, block);
        points.Decode(block);
        Assert.Equal([1500000000000000000], points.Times);
        Assert.Equal([1.0], points.Floats);
        Assert.False(index.ReadEntry(out _));
        Assert.False(index.ReadKey());
    }

    [Fact]
    public void A_report_counts_what_the_file_holds()
    {
        var report = TsmFileVerifier.Verify(TsmFile.FromMemory(GoldenFiles.Blocks, "blocks"), CancellationToken.None);
        Assert.Equal(5, report.Keys);
        Assert.Equal(1 + 1 + 1 + 2 + 5, report.Blocks);
        Assert.Equal(1 + 999 + 1000 + 1001 + 5000, report.Points);
        Assert.Equal(-2_500_000, report.MinTime);
    }

    [Fact]
    public void Checksums_only_unpacks_nothing()
    {
        var report = TsmFileVerifier.Verify(TsmFile.FromMemory(GoldenFiles.Blocks, "blocks"), TsmVerifyOptions.ChecksumsOnly, CancellationToken.None);
        Assert.True(report.IsSound);
        Assert.Null(report.Points);
        Assert.Equal(10, report.Blocks);
    }

    [Fact]
    public void Verification_can_be_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => TsmFileVerifier.Verify(TsmFile.FromMemory(GoldenFiles.Blocks, "blocks"), cancel.Token));
    }
}
