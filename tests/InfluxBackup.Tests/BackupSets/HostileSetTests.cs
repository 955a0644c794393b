using InfluxBackup.Operations;
using InfluxBackup.Transfer;
using TestResult = InfluxBackup.Operations.TestResult;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Every damaged or malicious set is found out, by the check that is meant to find it, and nothing else suffers.</summary>
public sealed class HostileSetTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Sets with one bad shard: the check, a word of the message, and the bad shard; the shard beside it is sound.</summary>
    [Theory]
    [InlineData("gzip-truncated", "ArchiveDamaged", "", 16)]
    [InlineData("gzip-bad-crc", "ArchiveDamaged", "checksum", 8)]
    [InlineData("gzip-trailing-garbage", "ArchiveDamaged", "follows the compressed data", 8)]
    [InlineData("tsm-bitflip-value", "TsmFileDamaged", "BlockChecksum", 16)]
    [InlineData("tsm-bitflip-time", "TsmFileDamaged", "BlockChecksum", 16)]
    [InlineData("tsm-bitflip-index", "TsmFileDamaged", "PointTimes", 16)]
    [InlineData("tsm-bitflip-footer", "TsmFileDamaged", "footer", 16)]
    [InlineData("tsm-empty-index", "TsmFileDamaged", "index", 16)]
    [InlineData("tsm-overlapping-entries", "TsmFileDamaged", "EntryOrder", 16)]
    [InlineData("tsm-block-count-mismatch", "TsmFileDamaged", "", 16)]
    [InlineData("tsm-huge-key-length", "TsmFileDamaged", "", 16)]
    [InlineData("tsm-snappy-length-2g", "TsmFileDamaged", "BlockDecode", 16)]
    [InlineData("manifest-missing-file", "ArchiveMissing", "s9.tar.gz", 9)]
    [InlineData("manifest-wrong-size", "ShardSizeMismatch", "shorter", 8)]
    [InlineData("tar-dotdot", "ShardArchiveUnsafe", "leaves the shard", 8)]
    [InlineData("tar-dotdot-start", "ShardArchiveUnsafe", "leaves the shard", 8)]
    [InlineData("tar-backslash", "ShardArchiveUnsafe", "leaves the shard", 8)]
    [InlineData("tar-absolute", "ShardArchiveUnsafe", "leaves the shard", 8)]
    [InlineData("tar-drive-letter", "ShardArchiveUnsafe", "", 8)]
    [InlineData("tar-symlink", "ShardArchiveUnsafe", "symbolic link", 8)]
    [InlineData("tar-device", "ShardArchiveUnsafe", "device", 8)]
    [InlineData("tar-wrong-shard", "ShardArchiveUnsafe", "does not belong", 8)]
    [InlineData("tar-prefix-clash", "ShardArchiveUnsafe", "does not belong", 8)]
    [InlineData("tar-other-database", "", "", 8)]
    [InlineData("tar-huge-size", "", "", 8)]
    [InlineData("tar-huge-size-base256", "ShardArchiveDamaged", "absurd size", 8)]
    [InlineData("tar-negative-size", "ShardArchiveDamaged", "header", 8)]
    [InlineData("tar-no-trailer", "ShardTruncated", "zero blocks", 8)]
    [InlineData("tar-cut-in-entry", "ShardTruncated", "inside", 8)]
    [InlineData("tar-trailing-garbage", "ShardArchiveDamaged", "follow the end", 8)]
    [InlineData("tar-bad-checksum", "ShardArchiveDamaged", "checksum", 8)]
    [InlineData("tar-zero-length-tsm", "TsmFileDamaged", "empty", 8)]
    public async Task A_bad_shard_is_found_and_the_other_is_sound(string name, string check, string word, int badShard)
    {
        var result = await TestAsync(name);

        var finding = Assert.Single(result.Findings, f => f.Severity == FindingSeverity.Error);
        Assert.Equal((ulong)badShard, finding.ShardId);
        Assert.Contains(check, finding.Check, StringComparison.Ordinal);
        Assert.Contains(word, finding.Message, StringComparison.Ordinal);
        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(1, result.FailedShardCount);
        Assert.True(result.ShardCount >= 1);
    }

    [Theory]
    [InlineData("manifest-duplicate-shard", "ManifestInvalid", "listed twice")]
    [InlineData("manifest-path-escape", "ManifestInvalid", "plain name")]
    [InlineData("manifest-absolute-path", "ManifestInvalid", "plain name")]
    [InlineData("manifest-wrong-database", "ManifestInvalid", "no server accepts")]
    [InlineData("manifest-empty", "ManifestInvalid", "empty")]
    [InlineData("manifest-not-json", "ManifestInvalid", "line 1")]
    [InlineData("manifest-cut", "ManifestInvalid", "line ")]
    [InlineData("manifest-bad-types", "ManifestInvalid", "shardID")]
    [InlineData("meta-truncated", "MetadataDamaged", "truncated")]
    [InlineData("meta-empty", "MetadataMissing", "empty")]
    [InlineData("meta-length-overflow", "MetadataDamaged", "truncated")]
    public async Task A_bad_manifest_or_metadata_file_is_named(string name, string check, string word)
    {
        var result = await TestAsync(name);

        var finding = Assert.Single(result.Findings, f => f.Severity == FindingSeverity.Error);
        Assert.Equal(check, finding.Check);
        Assert.Contains(word, finding.Message, StringComparison.Ordinal);
        Assert.Equal(Outcome.Failed, result.Outcome);
        Assert.Contains(name, finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("manifest-null-files", 0, null)]
    [InlineData("manifest-future-fields", 2, null)]
    [InlineData("tar-duplicate-entry", 2, "twice")]
    [InlineData("tar-tombstone-alone", 2, "no TSM file")]
    [InlineData("meta-raw", 2, "wrapper")]
    public async Task What_is_odd_but_sound_passes_with_a_warning_at_most(string name, int shards, string? warning)
    {
        var result = await TestAsync(name);

        Assert.True(result.IsSound, string.Join('\n', result.Findings));
        Assert.Equal(shards, result.ShardCount);
        if (warning is null)
        {
            Assert.Empty(result.Findings);
        }
        else
        {
            Assert.Contains(result.Findings, f => f.Message.Contains(warning, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("legacy-no-meta")]
    [InlineData("legacy-pending")]
    [InlineData("legacy-bad-magic")]
    public async Task A_directory_without_a_manifest_is_no_set(string name)
    {
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => TestAsync(name));
        Assert.Equal("NoBackup", error.Id);
    }

    [Theory]
    [InlineData("1.6.7-inmem", "portable", 22)]
    [InlineData("1.6.7-inmem", "portable-db", 14)]
    [InlineData("1.6.7-tsi1", "portable", 22)]
    [InlineData("1.11.8-tsi1", "portable", 22)]
    [InlineData("1.11.8-tsi1", "portable-db", 14)]
    public async Task What_real_servers_wrote_is_sound(string server, string set, int shards)
    {
        var result = await TestPathAsync(TestData.Golden(server, set));

        Assert.True(result.IsSound, string.Join('\n', result.Findings));
        Assert.Equal(shards, result.ShardCount);
    }

    [Fact]
    public void Every_hostile_set_is_tested()
    {
        var tested = typeof(HostileSetTests).GetMethods()
            .SelectMany(m => m.GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>())
            .Select(d => d.Data[0] as string)
            .ToHashSet();
        var legacyOnly = new HashSet<string> { "legacy-short-meta", "legacy-meta-huge-length", "wal", "tsm" };
        var there = Directory.GetDirectories(Path.Combine(TestData.Directory, "hostile")).Select(Path.GetFileName);
        Assert.DoesNotContain(there, n => !tested.Contains(n) && !legacyOnly.Contains(n!));
    }

    private static Task<TestResult> TestAsync(string name) => TestPathAsync(TestData.Hostile(name));

    private static async Task<TestResult> TestPathAsync(string path)
    {
        var results = new List<TestResult>();
        await foreach (var result in new TestOperation(new TestOptions { Path = path }).RunAsync(Cancel))
        {
            results.Add(result);
        }

        return Assert.Single(results);
    }
}
