using System.IO.Compression;
using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class ShardBackupTests
{
    public static TheoryData<ulong> GoldenShards() =>
        [.. Directory.GetFiles(TestNode.GoldenSet, "*.tar.gz").Select(IdOf).Order()];

    /// <summary>Owner, times and PAX headers included: the golden server ran as root, the emulator says so, too.</summary>
    [Theory]
    [MemberData(nameof(GoldenShards))]
    public async Task The_archive_of_a_golden_shard_is_byte_for_byte_the_real_servers(ulong id)
    {
        await using var test = await TestNode.GoldenAsync();
        var archive = Directory.GetFiles(TestNode.GoldenSet, "*.tar.gz").Single(f => IdOf(f) == id);
        using var expected = new MemoryStream();
        await using (var gzip = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress))
        {
            await gzip.CopyToAsync(expected);
        }

        var answer = await BackupAsync(test.Node, id);
        Assert.Equal(TarArchive.Read(expected.ToArray()).Select(f => (f.Name, f.Content.Length)), TarArchive.Read(answer.Bytes).Select(f => (f.Name, f.Content.Length)));
        Assert.Equal(Convert.ToHexString(expected.ToArray()), Convert.ToHexString(answer.Bytes));
    }

    [Fact]
    public async Task Long_names_are_split_into_a_prefix_where_they_can_be()
    {
        var policy = new string('p', 60);
        await using var test = await TestNode.EmptyAsync();
        var directory = Directory.CreateDirectory(Path.Combine(test.Node.DataDirectory, new string('d', 60), policy, "1")).FullName;
        File.WriteAllText(Path.Combine(directory, "000000001-000000001.tsm"), "x");
        var answer = await BackupAsync(test.Node, 1);
        Assert.Equal(512 + 512 + 1024, answer.Bytes.Length);
        Assert.Equal((byte)'d', answer.Bytes[345]);
        Assert.EndsWith($"{policy}/1/000000001-000000001.tsm", Assert.Single(TarArchive.Read(answer.Bytes)).Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_can_not_be_split_go_into_a_pax_record()
    {
        await using var test = await TestNode.EmptyAsync();
        var database = new string('d', 200);
        var directory = Directory.CreateDirectory(Path.Combine(test.Node.DataDirectory, database, "p", "1")).FullName;
        File.WriteAllText(Path.Combine(directory, "000000001-000000001.tsm"), "x");
        var answer = await BackupAsync(test.Node, 1);
        Assert.Equal((byte)'x', answer.Bytes[156]);
        Assert.Equal($"{database}/p/1/000000001-000000001.tsm", Assert.Single(TarArchive.Read(answer.Bytes)).Name);
    }

    [Fact]
    public async Task Since_selects_files_that_are_strictly_newer()
    {
        await using var test = await TestNode.SampleAsync();
        var directory = Path.Combine(test.Node.DataDirectory, "demo", "daily", "2");
        var time = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc).AddTicks(1234567);
        File.SetLastWriteTimeUtc(Path.Combine(directory, "000000001-000000001.tsm"), time);
        File.SetLastWriteTimeUtc(Path.Combine(directory, "000000002-000000001.tsm"), time.AddTicks(1));
        Assert.Equal(["000000002-000000001.tsm"], TarArchive.Names((await BackupAsync(test.Node, 2, "2020-01-02T03:04:05.123456700Z")).Bytes));
        Assert.Equal(2, TarArchive.Names((await BackupAsync(test.Node, 2, "2020-01-02T03:04:05.123456699Z")).Bytes).Count);
        Assert.Equal(new byte[1024], (await BackupAsync(test.Node, 2, "2100-01-01T00:00:00Z")).Bytes);
    }

    [Fact]
    public async Task Tombstones_come_before_their_files_and_other_files_do_not_come_at_all()
    {
        await using var test = await TestNode.SampleAsync();
        File.WriteAllText(Path.Combine(test.Node.DataDirectory, "demo", "daily", "1", "fields.idx"), "x");
        File.WriteAllText(Path.Combine(test.Node.DataDirectory, "demo", "daily", "1", "000000003-000000001.tsm.tmp"), "x");
        Assert.Equal(
            ["000000001-000000001.tombstone", "000000001-000000001.tsm", "000000002-000000001.tombstone", "000000002-000000001.tsm"],
            TarArchive.Names((await BackupAsync(test.Node, SampleData.ShardWithTombstones)).Bytes));
    }

    [Theory]
    [InlineData(99UL, SnapshotterRequest.ZeroTime)]
    [InlineData(2UL, "yesterday")]
    public async Task What_can_not_be_answered_is_closed_without_a_byte(ulong id, string since)
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await BackupAsync(test.Node, id, since);
        Assert.Empty(answer.Bytes);
        Assert.False(answer.WasReset);
        Assert.Single(test.Node.Log);
    }

    internal static Task<Answer> BackupAsync(EmulatedDataNode node, ulong id, string since = SnapshotterRequest.ZeroTime) =>
        RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = id, Since = since });

    private static ulong IdOf(string archive) => ulong.Parse(Path.GetFileName(archive).Split('.')[1][1..], System.Globalization.CultureInfo.InvariantCulture);
}
