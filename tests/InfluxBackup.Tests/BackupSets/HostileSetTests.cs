using InfluxBackup.Metadata;
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
    [InlineData("tsm-bitflip-value", "TsmBlockChecksum", "Checksum mismatch", 16)]
    [InlineData("tsm-bitflip-time", "TsmBlockChecksum", "Checksum mismatch", 16)]
    [InlineData("tsm-bitflip-index", "TsmPointTimes", "do not agree", 16)]
    [InlineData("tsm-bitflip-footer", "TsmFooter", "footer", 16)]
    [InlineData("tsm-empty-index", "TsmEmptyIndex", "index", 16)]
    [InlineData("tsm-block-count-mismatch", "TsmIndexBounds", "claims 8 blocks", 16)]
    [InlineData("tsm-huge-key-length", "TsmIndexBounds", "None of the file's points", 16)]
    [InlineData("tsm-snappy-length-2g", "TsmBlockDecode", "cannot be unpacked", 16)]
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
    [InlineData("tar-other-database", "ShardArchiveUnsafe", "does not belong", 8)]
    [InlineData("tar-huge-size", "ShardTruncated", "inside", 8)]
    [InlineData("tar-huge-size-base256", "ShardArchiveDamaged", "absurd size", 8)]
    [InlineData("tar-negative-size", "ShardArchiveDamaged", "header", 8)]
    [InlineData("tar-no-trailer", "ShardTruncated", "zero blocks", 8)]
    [InlineData("tar-cut-in-entry", "ShardTruncated", "inside", 8)]
    [InlineData("tar-trailing-garbage", "ShardArchiveDamaged", "follow the end", 8)]
    [InlineData("tar-bad-checksum", "ShardArchiveDamaged", "checksum", 8)]
    [InlineData("tar-zero-length-tsm", "TsmHeader", "empty", 8)]
    public async Task A_bad_shard_is_found_and_the_other_is_sound(string name, string check, string word, int badShard)
    {
        var result = await TestAsync(name);

        var finding = Assert.Single(result.Findings, f => f.Severity == FindingSeverity.Error);
        Assert.Equal((ulong)badShard, finding.ShardId);
        Assert.Equal(check, finding.Check);
        Assert.Contains(word, finding.Message, StringComparison.Ordinal);
        Assert.Equal(Outcome.Partial, result.Outcome);
        Assert.Equal(1, result.FailedShardCount);
        Assert.True(result.ShardCount >= 1);
    }

    /// <summary>Which series, field and nanoseconds the damage touches; all of them are of the same file.</summary>
    [Theory]
    [InlineData("tsm-bitflip-value", 10281, "b5000", "i", -1_500_000, -501_000)]
    [InlineData("tsm-bitflip-time", 10281, "b5000", "i", -1_500_000, -501_000)]
    [InlineData("tsm-bitflip-index", 10744, "b5000", "i", -1_500_000, -501_064)]
    [InlineData("tsm-overlapping-entries", 10772, "b5000", "i", -1_001_000, 499_000)]
    [InlineData("tsm-block-count-mismatch", 10701, "b5000", "i", null, null)]
    [InlineData("tsm-snappy-length-2g", 20, "b1", "s", -2_500_000, -2_500_000)]
    [InlineData("tsm-huge-key-length", 10549, null, null, null, null)]
    [InlineData("tsm-empty-index", 10547, null, null, null, null)]
    [InlineData("tsm-bitflip-footer", 10898, null, null, null, null)]
    public async Task Damage_is_told_with_place_series_and_time(string name, int offset, string? series, string? field, int? start, int? end)
    {
        var findings = (await TestAsync(name)).Findings.Where(f => f.Severity == FindingSeverity.Error).ToList();

        Assert.NotEmpty(findings);
        Assert.All(findings, finding =>
        {
            Assert.Equal(("golden", "blocks", 16ul), (finding.Database, finding.RetentionPolicy, finding.ShardId!.Value));
            Assert.EndsWith(".s16.tar.gz", finding.File, StringComparison.Ordinal);
            Assert.Equal("000000001-000000001.tsm", finding.Entry);
            Assert.Equal(offset, finding.Offset);
            Assert.Equal((series, field), (finding.Series, finding.Field));
            // The times of the shard where nothing nearer is known.
            Assert.Equal(start is { } first ? ShardTime.ToDateTime(first) : new DateTime(1969, 12, 30, 0, 0, 0, DateTimeKind.Utc), finding.StartTime);
            Assert.Equal(end is { } last ? ShardTime.ToDateTime(last) : new DateTime(1970, 1, 29, 0, 0, 0, DateTimeKind.Utc).AddTicks(-1), finding.EndTime);
        });
        if (name == "tsm-overlapping-entries")
        {
            Assert.Equal(["TsmEntryOrder", "TsmPointTimes"], findings.Select(f => f.Check));
        }
    }

    /// <summary>What random damage changes, a quick test finds as well, unless only the points can tell.</summary>
    [Theory]
    [InlineData("gzip-truncated", "ArchiveDamaged")]
    [InlineData("gzip-bad-crc", "ArchiveDamaged")]
    [InlineData("tar-no-trailer", "ShardTruncated")]
    [InlineData("tar-symlink", "ShardArchiveUnsafe")]
    [InlineData("tsm-bitflip-footer", "TsmFileDamaged")]
    [InlineData("tar-zero-length-tsm", "TsmFileDamaged")]
    [InlineData("manifest-missing-file", "ArchiveMissing")]
    [InlineData("manifest-wrong-size", "ShardSizeMismatch")]
    public async Task A_quick_test_finds_what_is_wrong_with_hashes_and_structure(string name, string check)
    {
        var result = await TestPathAsync(TestData.Hostile(name), o => o with { Quick = true });

        Assert.Equal(check, Assert.Single(result.Findings, f => f.Severity == FindingSeverity.Error).Check);
        Assert.Equal(0, result.DeepShardCount);
    }

    [Theory]
    [InlineData("gzip-truncated", "ShardSizeMismatch")]
    [InlineData("gzip-trailing-garbage", "ShardSizeMismatch")]
    [InlineData("manifest-missing-file", "ArchiveMissing")]
    [InlineData("manifest-wrong-size", "ShardSizeMismatch")]
    public async Task Archives_outside_of_the_share_must_be_there_with_the_right_lengths(string name, string check)
    {
        // A part of so many that none of the shards is in it.
        var result = await TestPathAsync(TestData.Hostile(name), o => o with { ReadDataSubset = DataSubset.Parse("100000/100000") });

        Assert.Equal(check, Assert.Single(result.Findings, f => f.Severity == FindingSeverity.Error).Check);
        Assert.Equal((0, 0L), (result.DeepShardCount, result.Bytes));
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
        Assert.All(result.Findings, f => Assert.Equal(FindingSeverity.Warning, f.Severity));
        if (warning is null)
        {
            // Shards of the policy that the set lacks; nothing else.
            Assert.DoesNotContain(result.Findings, f => f.Check != "ShardNotInBackup");
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
        Assert.Empty(result.Findings);
        Assert.Equal(shards, result.ShardCount);
        Assert.Equal(shards, result.DeepShardCount);
        Assert.True(result.Points > result.TsmFiles && result.TsmFiles >= shards);
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

    private static async Task<TestResult> TestPathAsync(string path, Func<TestOptions, TestOptions>? with = null)
    {
        var results = new List<TestResult>();
        var options = new TestOptions { Path = path };
        await foreach (var result in new TestOperation(with?.Invoke(options) ?? options).RunAsync(Cancel))
        {
            results.Add(result);
        }

        return Assert.Single(results);
    }
}
