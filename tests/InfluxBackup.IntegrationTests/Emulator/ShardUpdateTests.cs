using InfluxBackup.Emulator;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class ShardUpdateTests
{
    private const ulong Shard = 2;
    private const string Directory2 = "demo/daily/2";

    [Fact]
    public async Task Files_are_added_or_replaced_and_the_end_of_the_connection_comes_after_that()
    {
        await using var test = await TestNode.SampleAsync();
        var other = Tsm(test.Node, "demo/daily/3/000000001-000000001.tsm");
        var answer = await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(($"{Directory2}/000000001-000000001.tsm", other), ($"{Directory2}/000000009-000000001.tsm", other)));
        Assert.Equal((0, false), (answer.Bytes.Length, answer.WasReset));
        var files = TarArchive.Read((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes);
        Assert.Equal(3, files.Count);
        Assert.Equal(other, files[0].Content);
        Assert.Equal(other, files[2].Content);
    }

    [Fact]
    public async Task The_trailer_ends_the_upload_without_a_half_close()
    {
        await using var test = await TestNode.SampleAsync();
        var tar = TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", Tsm(test.Node)));
        var answer = await RawClient.AskAsync(test.Node, RawClient.UploadOf(Shard, tar));
        Assert.Equal((0, false), (answer.Bytes.Length, answer.WasReset));
        Assert.True(Exists(test.Node, "000000009-000000001.tsm"));
    }

    [Fact]
    public async Task A_half_close_between_two_entries_ends_the_upload_as_well()
    {
        await using var test = await TestNode.SampleAsync();
        var tar = TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", Tsm(test.Node)));
        await RawClient.UploadAsync(test.Node, Shard, tar[..^1024]);
        Assert.True(Exists(test.Node, "000000009-000000001.tsm"));
    }

    [Fact]
    public async Task Data_after_the_trailer_are_not_read_and_reset_the_connection()
    {
        await using var test = await TestNode.SampleAsync();
        var tar = TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", Tsm(test.Node)));
        var answer = await RawClient.AskAsync(test.Node, RawClient.UploadOf(Shard, [.. tar, .. new byte[512]]));
        Assert.True(answer.WasReset);
        Assert.True(Exists(test.Node, "000000009-000000001.tsm"));
    }

    [Fact]
    public async Task Tombstones_and_entries_of_other_shards_are_skipped()
    {
        await using var test = await TestNode.SampleAsync();
        var tsm = Tsm(test.Node);
        await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(
            ($"{Directory2}/000000001-000000001.tombstone", [1]),
            ("demo/daily/3/000000009-000000001.tsm", tsm),
            ($"{Directory2}/000000009-000000001.tsm", tsm)));
        Assert.False(Exists(test.Node, "000000001-000000001.tombstone"));
        Assert.False(File.Exists(Path.Combine(test.Node.DataDirectory, "demo", "daily", "3", "000000009-000000001.tsm")));
        Assert.True(Exists(test.Node, "000000009-000000001.tsm"));
    }

    [Fact]
    public async Task The_name_is_compared_as_a_plain_prefix()
    {
        await using var test = await TestNode.SampleAsync();
        Directory.CreateDirectory(Path.Combine(test.Node.DataDirectory, "demo", "daily", "20"));
        await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(("demo/daily/20/000000001-000000001.tsm", Tsm(test.Node))));
        Assert.True(File.Exists(Path.Combine(test.Node.DataDirectory, "demo", "daily", "20", "000000001-000000001.tsm")));
    }

    [Fact]
    public async Task Nothing_is_written_outside_the_data_directory()
    {
        await using var test = await TestNode.SampleAsync();
        await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(($"{Directory2}/../../../../evil.tsm", Tsm(test.Node))));
        Assert.Empty(Directory.GetFiles(test.Directory, "evil*"));
    }

    [Fact]
    public async Task An_unknown_shard_resets_the_connection()
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await RawClient.AskAsync(test.Node, RawClient.UploadOf(99, new byte[100_000]));
        Assert.True(answer.WasReset);
        Assert.Contains(test.Node.Log, line => line.Contains("shard not found", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cut_inside_an_entry_leaves_a_temporary_file_and_ends_like_success()
    {
        await using var test = await TestNode.SampleAsync();
        var tar = TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", Tsm(test.Node)));
        var answer = await RawClient.UploadAsync(test.Node, Shard, tar[..1500]);
        Assert.Equal((0, false), (answer.Bytes.Length, answer.WasReset));
        Assert.True(Exists(test.Node, "000000009-000000001.tsm.tmp"));
        Assert.False(Exists(test.Node, "000000009-000000001.tsm"));
        Assert.Contains(test.Node.Log, line => line.Contains("unexpected EOF", StringComparison.Ordinal));
        Assert.Equal(2, TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes).Count);
    }

    [Fact]
    public async Task What_is_no_tsm_file_keeps_its_temporary_name()
    {
        await using var test = await TestNode.SampleAsync();
        await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", "not TSM"u8.ToArray())));
        Assert.True(Exists(test.Node, "000000009-000000001.tsm.tmp"));
        Assert.Contains(test.Node.Log, line => line.Contains("can only read from tsm file", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_tsm_file_with_a_name_that_can_not_be_read_closes_the_shard_for_good()
    {
        await using var test = await TestNode.SampleAsync();
        await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(($"{Directory2}/abc.tsm", Tsm(test.Node))));
        Assert.Empty((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes);
        await test.Node.RestartAsync();
        Assert.Empty((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes);
    }

    [Fact]
    public async Task A_shard_under_upload_keeps_its_readers_waiting_and_they_find_it_disabled()
    {
        await using var test = await TestNode.SampleAsync();
        var upload = RawClient.UploadOf(Shard, TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", Tsm(test.Node))));
        using var uploader = RawClient.Connect(test.Node);
        uploader.Send(upload.AsSpan(0, 1000));
        await Task.Delay(100);
        var backup = ShardBackupTests.BackupAsync(test.Node, Shard);
        Assert.NotEmpty((await ShardBackupTests.BackupAsync(test.Node, 3)).Bytes);
        await Task.Delay(100);
        Assert.False(backup.IsCompleted);
        uploader.Send(upload.AsSpan(1000));
        Assert.Empty((await backup).Bytes);
        Assert.Equal(3, TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes).Count);
    }

    [Fact]
    public async Task A_reset_upload_frees_the_shard_and_its_waiting_reader_finds_it_disabled()
    {
        await using var test = await TestNode.SampleAsync();
        var upload = RawClient.UploadOf(Shard, TarArchive.Create(($"{Directory2}/000000009-000000001.tsm", Tsm(test.Node))));
        using var uploader = RawClient.Connect(test.Node);
        uploader.Send(upload.AsSpan(0, 1000));
        await Task.Delay(100);
        var waiting = ShardBackupTests.BackupAsync(test.Node, Shard);
        await Task.Delay(100);
        uploader.Abort();
        Assert.Empty((await waiting).Bytes);
        Assert.Equal(2, TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes).Count);
    }

    internal static byte[] Tsm(EmulatedDataNode node, string path = "demo/daily/4/000000001-000000001.tsm") =>
        File.ReadAllBytes(Path.Combine(node.DataDirectory, path));

    private static bool Exists(EmulatedDataNode node, string file) => File.Exists(Path.Combine(node.DataDirectory, Directory2, file));
}
