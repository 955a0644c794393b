using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>Each damaged file reports what is wrong with it, and only that.</summary>
public class HostileTsmTests
{
    [Theory]
    [InlineData("bad-magic.tsm", "Header", "Not a TSM file")]
    [InlineData("version-2.tsm", "Header", "version 2")]
    [InlineData("header-only.tsm", "Footer", "too short")]
    [InlineData("type-mismatch.tsm", "BlockType", "index says integer")]
    [InlineData("unknown-block-type.tsm", "BlockType", "Unknown block type 9")]
    [InlineData("offset-beyond.tsm", "BlockBounds", "blocks lie between 5 and")]
    [InlineData("rle-billions.tsm", "PointCount", "4294967295 times")]
    public void A_damaged_file_reports_just_its_damage(string name, string check, string message)
    {
        using var file = TsmFile.Open(Path.Combine(GoldenFiles.Root, "hostile", "tsm", name));
        var problem = Assert.Single(TsmFileVerifier.Verify(file, CancellationToken.None).Problems);
        Assert.Equal(check, problem.Check);
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tsm-bitflip-value", "BlockChecksum", "Checksum mismatch")]
    [InlineData("tsm-bitflip-time", "BlockChecksum", "Checksum mismatch")]
    [InlineData("tsm-bitflip-index", "PointTimes", "do not agree with its index entry")]
    [InlineData("tsm-bitflip-footer", "Footer", "starts at offset")]
    [InlineData("tsm-empty-index", "EmptyIndex", "index is empty")]
    [InlineData("tsm-overlapping-entries", "EntryOrder", "overlap")]
    [InlineData("tsm-block-count-mismatch", "IndexBounds", "inconsistent")]
    [InlineData("tsm-huge-key-length", "IndexBounds", "inconsistent")]
    [InlineData("tsm-snappy-length-2g", "BlockDecode", "cannot be unpacked")]
    public void A_damaged_set_reports_its_damage_and_its_other_files_are_sound(string set, string check, string message)
    {
        var reports = Directory.GetFiles(Path.Combine(GoldenFiles.Root, "hostile", set), "*.tar.gz")
            .SelectMany(GoldenFiles.Unpack)
            .Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal))
            .Select(f => TsmFileVerifier.Verify(TsmFile.FromMemory(f.Bytes, f.Name), CancellationToken.None))
            .ToList();
        Assert.True(reports.Count > 1);
        var damaged = Assert.Single(reports, r => !r.IsSound);
        Assert.Equal("golden/blocks/16/000000001-000000001.tsm", damaged.FileName);
        Assert.Contains(damaged.Problems, p => p.Check == check && p.Message.Contains(message, StringComparison.Ordinal));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', damaged.Problems));
    }
}
