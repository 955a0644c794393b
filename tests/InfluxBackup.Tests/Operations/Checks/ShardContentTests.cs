using System.IO.Compression;
using System.Text;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.Tsm;

namespace InfluxBackup.Tests.Operations.Checks;

/// <summary>What the files of a shard say together, beyond what is wrong with each of them.</summary>
public sealed class ShardContentTests : IDisposable
{
    private const string First = "000000001-000000001.tsm";
    private const string Second = "000000002-000000001.tsm";
    private const string Tombstone = "000000001-000000001.tombstone";
    private const byte Float = 0;
    private const byte Integer = 1;

    private readonly TestedSet set = new();

    public void Dispose() => set.Dispose();

    [Fact]
    public async Task Points_outside_of_their_shard_are_a_warning_with_series_field_and_time()
    {
        await set.MakeAsync((7, TestedSet.Tar(7, (First, TestedSet.Tsm(("m,t=a#!~#f", Float, [700, 799]), ("m,t=b#!~#f", Float, [799, 800]), ("m,t=c#!~#g", Float, [699]))))));

        var result = await set.TestAsync();

        Assert.True(result.IsSound);
        Assert.Equal([("m,t=b", "f", 799L, 800L), ("m,t=c", "g", 699L, 699L)], result.Findings.Select(f => (f.Series!, f.Field!, Nanoseconds(f.StartTime), Nanoseconds(f.EndTime))), Rounded);
        Assert.All(result.Findings, f => Assert.Equal(("PointsOutsideShard", FindingSeverity.Warning, First), (f.Check, f.Severity, f.Entry)));
    }

    [Fact]
    public async Task A_field_with_two_types_is_an_error_that_names_the_series_wherever_in_the_shard_the_other_is()
    {
        await set.MakeAsync(
            (7, TestedSet.Tar(7, (First, TestedSet.Tsm(("m,t=a#!~#f", Float, [700]), ("m,t=b#!~#f", Integer, [710]))))),
            (8, TestedSet.Tar(8, (First, TestedSet.Tsm(("m#!~#f", Float, [800]))), (Second, TestedSet.Tsm(("m,t=z#!~#f", Integer, [810, 820]))))));

        var result = await set.TestAsync();

        Assert.Equal(2, result.FailedShardCount);
        Assert.Equal(["m,t=b", "m,t=z"], result.Findings.Select(f => f.Series));
        Assert.All(result.Findings, f => Assert.Equal(("FieldTypeConflict", FindingSeverity.Error, "f"), (f.Check, f.Severity, f.Field)));
        Assert.Equal(Second, result.Findings[1].Entry);
        Assert.Contains("integer", result.Findings[1].Message, StringComparison.Ordinal);
        Assert.Contains(First, result.Findings[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_field_may_have_another_type_in_another_measurement_or_shard()
    {
        await set.MakeAsync(
            (7, TestedSet.Tar(7, (First, TestedSet.Tsm(("m#!~#f", Float, [700]), (@"m\,n,t=a#!~#f", Integer, [710]), ("mn,t=a#!~#f", Integer, [710]), ("n,t=a#!~#f", Integer, [710]))))),
            (8, TestedSet.Tar(8, (First, TestedSet.Tsm(("m#!~#f", Integer, [800]))))));

        Assert.Empty((await set.TestAsync()).Findings);
    }

    [Fact]
    public async Task A_name_that_no_server_may_be_given_is_an_error()
    {
        await set.MakeAsync((7, TestedSet.Tar(7, ("1-1.tsm", TestedSet.Tsm(("m#!~#f", Float, [700]))))), (8, TestedSet.Sound(8)));

        foreach (var quick in new[] { false, true })
        {
            var finding = Assert.Single((await set.TestAsync(o => o with { Quick = quick })).Findings);
            Assert.Equal(("TsmNameUnsafe", "1-1.tsm", FindingSeverity.Error), (finding.Check, finding.Entry, finding.Severity));
        }
    }

    [Fact]
    public async Task A_tombstone_that_fits_its_file_is_nothing_to_tell_of()
    {
        await MakeWithTombstoneAsync(Version4(Record("m,t=a#!~#f", 700, 710)));
        Assert.Empty((await set.TestAsync()).Findings);
    }

    [Fact]
    public async Task Deletes_of_keys_that_are_not_in_the_file_are_a_warning_with_series_and_time()
    {
        await MakeWithTombstoneAsync(Version4(Record("m,t=a#!~#f", 700, 710), Record("m,t=x#!~#g", 720, 730), Record("m,t=x#!~#g", 740, 750)));

        var finding = Assert.Single((await set.TestAsync()).Findings);
        Assert.Equal(("TombstoneKeyUnknown", FindingSeverity.Warning, Tombstone, "m,t=x", "g"), (finding.Check, finding.Severity, finding.Entry, finding.Series, finding.Field));
    }

    [Fact]
    public async Task So_many_unknown_keys_are_told_and_the_others_counted()
    {
        await MakeWithTombstoneAsync(Version4([.. Enumerable.Range(0, 150).Select(i => Record($"m,t={i}#!~#g", 720, 730))]));

        var findings = (await set.TestAsync()).Findings;
        Assert.Equal(21, findings.Count);
        Assert.Contains("130 more", findings[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_tombstone_is_an_error_and_a_cut_one_a_warning()
    {
        var sound = Version4(Record("m,t=a#!~#f", 700, 710), Record("m,t=a#!~#f", 720, 730));
        await MakeWithTombstoneAsync([0, 0, 0x15, 9, .. sound[4..]]);
        var damaged = Assert.Single((await set.TestAsync()).Findings);
        Assert.Equal(("TombstoneDamaged", FindingSeverity.Error, Tombstone), (damaged.Check, damaged.Severity, damaged.Entry));

        using var other = new TestedSet();
        await other.MakeAsync((7, TestedSet.Tar(7, (Tombstone, sound[..^9]), (First, TestedSet.Tsm(("m,t=a#!~#f", Float, [700]))))));
        var cut = Assert.Single((await other.TestAsync()).Findings);
        Assert.Equal(("TombstoneTruncated", FindingSeverity.Warning), (cut.Check, cut.Severity));
    }

    [Fact]
    public async Task A_file_full_of_damage_is_told_of_by_its_first_findings_and_a_count()
    {
        var tsm = TestedSet.Tsm([.. Enumerable.Range(0, 100).Select(i => ($"m,t={i:000}#!~#f", Float, new long[] { 700, 710 }))]);
        using (var file = InfluxBackup.Tsm.TsmFile.FromMemory((byte[])tsm.Clone(), "sound"))
        {
            using var index = file.ReadIndex();
            while (index.ReadKey())
            {
                index.ReadEntry(out var entry);
                tsm[entry.Offset] ^= 1;
            }
        }

        await set.MakeAsync((7, TestedSet.Tar(7, (First, tsm))), (8, TestedSet.Sound(8)));
        var result = await set.TestAsync();

        Assert.Equal(21, result.Findings.Count);
        Assert.All(result.Findings.SkipLast(1), f => Assert.Equal("TsmBlockChecksum", f.Check));
        Assert.Contains("80 more", result.Findings[^1].Message, StringComparison.Ordinal);
        Assert.Equal((1, 1), (result.ShardCount, result.FailedShardCount));
    }

    [Fact]
    public async Task Every_damaged_file_of_an_archive_is_told_of_not_only_the_first()
    {
        var bad = TestedSet.Tsm(("m#!~#f", Float, [700]));
        bad[6] ^= 1;
        await set.MakeAsync((7, TestedSet.Tar(7, (First, bad), (Second, bad), ("000000003-000000001.tsm", TestedSet.Tsm(("m#!~#f", Float, [701]))))));

        var result = await set.TestAsync();
        Assert.Equal([First, Second], result.Findings.Select(f => f.Entry));
        Assert.Equal((3L, 1L), (result.TsmFiles, result.Points));
    }

    private Task<string> MakeWithTombstoneAsync(byte[] tombstone) =>
        set.MakeAsync((7, TestedSet.Tar(7, (Tombstone, tombstone), (First, TestedSet.Tsm(("m,t=a#!~#f", Float, [700, 799]))))));

    private static byte[] Record(string key, long min, long max) =>
        [.. TsmEncoder.BigEndian((ulong)key.Length)[4..], .. Encoding.Latin1.GetBytes(key), .. TsmEncoder.BigEndian((ulong)min), .. TsmEncoder.BigEndian((ulong)max)];

    private static byte[] Version4(params byte[][] records)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(records.SelectMany(r => r).ToArray());
        }

        return [0, 0, 0x15, 4, .. packed.ToArray()];
    }

    private static long Nanoseconds(DateTime? time) => ShardTime.FromDateTime(new DateTimeOffset(time!.Value));

    /// <summary>Times of findings are rounded down to 100 ns.</summary>
    private static bool Rounded((string, string, long, long) x, (string, string, long, long) y) =>
        (x.Item1, x.Item2, x.Item3 / 100, x.Item4 / 100) == (y.Item1, y.Item2, y.Item3 / 100, y.Item4 / 100);
}
