using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class ShardExportTests
{
    private const string Day2 = "2017-05-02T00:00:00Z";
    private const string Noon2 = "2017-05-02T12:00:00Z";
    private const string Day3 = "2017-05-03T00:00:00Z";

    [Fact]
    public async Task An_empty_range_is_answered_by_an_empty_archive()
    {
        await using var test = await TestNode.SampleAsync();
        Assert.Equal(new byte[1024], (await ExportAsync(test.Node, 2, "1700-01-01T00:00:00Z", "1700-01-02T00:00:00Z")).Bytes);
    }

    [Fact]
    public async Task With_a_tombstone_the_archive_breaks_off_after_a_bare_header()
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await ExportAsync(test.Node, SampleData.ShardWithTombstones, "1700-01-01T00:00:00Z", "1700-01-02T00:00:00Z");
        Assert.Equal(1536, answer.Bytes.Length);
        Assert.Equal("demo/daily/1/000000001-000000001.tsm", System.Text.Encoding.ASCII.GetString(answer.Bytes, 1024, 36));
        Assert.False(answer.WasReset);
    }

    [Fact]
    public async Task Files_inside_the_range_are_sent_as_they_are()
    {
        await using var test = await TestNode.SampleAsync();
        var export = await ExportAsync(test.Node, 2, Day2, Day3);
        Assert.Equal((await ShardBackupTests.BackupAsync(test.Node, 2)).Bytes, export.Bytes);
    }

    [Fact]
    public async Task A_file_across_a_limit_is_sent_with_the_blocks_that_overlap()
    {
        await using var test = await TestNode.GoldenAsync();

        // The first file of shard 16 has keys of several blocks; one point in time overlaps only some of them.
        var whole = TarArchive.Read((await ShardBackupTests.BackupAsync(test.Node, 16)).Bytes)[0];
        var (min, _) = TimesOf(whole.Content);
        var time = DateTimeOffset.UnixEpoch.AddTicks(min / 100).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
        var cut = TarArchive.Read((await ExportAsync(test.Node, 16, time, time)).Bytes)[0];
        Assert.Equal(whole.Name, cut.Name);
        Assert.InRange(cut.Content.Length, 64, whole.Content.Length / 2);
        Assert.Equal(whole.Content[..5], cut.Content[..5]);
        Assert.Equal(min, TimesOf(cut.Content).Min);
    }

    [Fact]
    public async Task A_file_with_exactly_the_limits_is_sent_twice()
    {
        await using var test = await TestNode.SampleAsync();
        var names = TarArchive.Names((await ExportAsync(test.Node, 2, Day2, "2017-05-02T11:55:00Z")).Bytes);
        Assert.Equal(["000000001-000000001.tsm", "000000001-000000001.tsm"], names);
    }

    [Fact]
    public async Task An_end_that_is_not_given_wraps_around_and_loses_what_begins_later()
    {
        await using var test = await TestNode.SampleAsync();
        Assert.Equal(new byte[1024], (await ExportAsync(test.Node, 2, "2017-05-01T00:00:00Z", SnapshotterRequest.ZeroTime)).Bytes);
        Assert.Equal(2, TarArchive.Names((await ExportAsync(test.Node, 2, SnapshotterRequest.ZeroTime, Day3)).Bytes).Count);
    }

    [Fact]
    public async Task A_file_that_is_none_ends_the_walk_with_a_correct_trailer()
    {
        await using var test = await TestNode.SampleAsync();
        File.WriteAllText(Path.Combine(test.Node.DataDirectory, "demo", "daily", "2", "000000001-000000002.tsm"), "not TSM");
        var names = TarArchive.Names((await ExportAsync(test.Node, 2, Day2, Day3)).Bytes);
        Assert.Equal(["000000001-000000001.tsm"], names);
        Assert.Equal(["000000001-000000001.tsm"], TarArchive.Names((await ExportAsync(test.Node, 2, Day2, Noon2)).Bytes));
    }

    private static (long Min, long Max) TimesOf(byte[] tsm)
    {
        // Only the first key's first and the last key's last entry would be needed for sorted data; a scan of all is as short.
        var index = tsm.AsSpan((int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(tsm.AsSpan(tsm.Length - 8))..^8);
        var (min, max) = (long.MaxValue, long.MinValue);
        while (!index.IsEmpty)
        {
            var name = System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(index);
            var count = System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(index[(name + 3)..]);
            index = index[(name + 5)..];
            for (; count > 0; count--, index = index[28..])
            {
                min = Math.Min(min, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(index));
                max = Math.Max(max, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(index[8..]));
            }
        }

        return (min, max);
    }

    private static Task<Answer> ExportAsync(EmulatedDataNode node, ulong id, string start, string end) =>
        RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.ShardExport) { ShardId = id, ExportStart = start, ExportEnd = end });
}
