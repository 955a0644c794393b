using System.Diagnostics;
using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class FaultTests
{
    private const ulong Shard = 2;
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task A_cut_closes_the_connection_after_that_many_bytes()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.CutAfter(700));
        var answer = await ShardBackupTests.BackupAsync(test.Node, Shard);
        Assert.Equal((700, false), (answer.Bytes.Length, answer.WasReset));
    }

    [Fact]
    public async Task A_reset_is_one()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.Reset(afterBytes: 100), SnapshotterRequestType.ShardBackup);
        test.Node.Faults.Add(Fault.Reset(), SnapshotterRequestType.ShardUpdate);
        Assert.True((await ShardBackupTests.BackupAsync(test.Node, Shard)).WasReset);
        Assert.True((await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create())).WasReset);
    }

    [Fact]
    public async Task A_stall_sends_some_bytes_and_then_nothing_until_the_plan_is_cleared()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.Stall(afterBytes: 600));
        using var client = RawClient.Connect(test.Node);
        client.Send(new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = Shard }.ToBytes());
        Assert.Equal(600, (await client.ReadUntilSilenceAsync(Silence, expected: 600)).Length);
        test.Node.Faults.Clear();
        Assert.Empty((await client.ReadToEndAsync()).Bytes);
    }

    [Fact]
    public async Task A_stalled_upload_is_stored_and_never_ends()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.Stall(), SnapshotterRequestType.ShardUpdate);
        using var client = RawClient.Connect(test.Node);
        client.Send(RawClient.UploadOf(Shard, TarArchive.Create(("demo/daily/2/000000009-000000001.tsm", ShardUpdateTests.Tsm(test.Node)))));
        client.FinishSending();
        Assert.Empty(await client.ReadUntilSilenceAsync(Silence));
        Assert.Equal(3, TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes).Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task A_short_trailer_lacks_zero_blocks_and_nothing_else(int zeroBlocks)
    {
        await using var test = await TestNode.SampleAsync();
        var good = (await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes;
        test.Node.Faults.Add(Fault.ShortTrailer(zeroBlocks));
        Assert.Equal(good[..^((2 - zeroBlocks) * 512)], (await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes);
    }

    [Fact]
    public async Task A_wrong_magic_keeps_the_length()
    {
        await using var test = await TestNode.SampleAsync();
        var request = new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup);
        var good = (await RawClient.AskAsync(test.Node, request)).Bytes;
        test.Node.Faults.Add(Fault.WrongMagic());
        var bad = (await RawClient.AskAsync(test.Node, request)).Bytes;
        Assert.False(MetastoreBackup.HasMagic(bad));
        Assert.Equal(good[8..], bad[8..]);
    }

    [Fact]
    public async Task A_slow_answer_is_right_in_the_end()
    {
        await using var test = await TestNode.SampleAsync();
        var good = (await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes;
        test.Node.Faults.Add(Fault.Slow(bytesPerSecond: good.Length * 2));
        var watch = Stopwatch.StartNew();
        Assert.Equal(good, (await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.3, 5);
    }

    [Fact]
    public async Task A_busy_shard_is_not_answered()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.Busy(), shardId: Shard);
        var answer = await ShardBackupTests.BackupAsync(test.Node, Shard);
        Assert.Equal((0, false), (answer.Bytes.Length, answer.WasReset));
        Assert.Contains(test.Node.Log, line => line.Contains("snapshot in progress", StringComparison.Ordinal));
        Assert.NotEmpty((await ShardBackupTests.BackupAsync(test.Node, 3)).Bytes);
    }

    [Fact]
    public async Task A_shard_dropped_while_it_is_sent_leaves_a_valid_archive_with_files_missing()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.DropShardDuring(filesSent: 1), shardId: Shard);
        Assert.Single(TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes));
        Assert.Null(test.Node.FindShard(Shard));
        Assert.DoesNotContain(test.Node.Metadata.Read().Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards), s => s.ID == Shard);
        var list = await RawClient.AskAsync(test.Node, new SnapshotterRequest(SnapshotterRequestType.DatabaseInfo));
        Assert.DoesNotContain(ShardPathList.Parse(list.Bytes, "test"), s => s.Id == Shard);
    }

    [Fact]
    public async Task An_ignored_upload_ends_like_a_good_one()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.IgnoreUpload());
        var answer = await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(("demo/daily/2/000000009-000000001.tsm", ShardUpdateTests.Tsm(test.Node))));
        Assert.Equal((0, false), (answer.Bytes.Length, answer.WasReset));
        Assert.Equal(2, TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes).Count);
    }

    [Fact]
    public async Task A_cut_upload_leaves_its_beginning_and_frees_the_shard()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.CutUploadAfter(2000), SnapshotterRequestType.ShardUpdate);
        var answer = await RawClient.UploadAsync(test.Node, Shard, TarArchive.Create(("demo/daily/2/000000009-000000001.tsm", ShardUpdateTests.Tsm(test.Node))));
        Assert.True(answer.WasReset);
        Assert.Equal(2000 - 512, new FileInfo(Path.Combine(test.Node.DataDirectory, "demo", "daily", "2", "000000009-000000001.tsm.tmp")).Length);
        Assert.Equal(2, TarArchive.Names((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes).Count);
    }

    [Fact]
    public async Task A_cut_upload_of_metadata_changes_nothing()
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.CutUploadAfter(10), SnapshotterRequestType.MetastoreUpdate, times: 1);
        var before = test.Node.Metadata.ReadBytes();
        var upload = MetastoreUpdateTests.Upload(("src", "rp", [1]));
        Assert.Empty((await RawClient.AskAsync(test.Node, MetastoreUpdateTests.Request(upload, "src"))).Bytes);
        Assert.Equal(before, test.Node.Metadata.ReadBytes());
        Assert.Single(await MetastoreUpdateTests.ImportAsync(test.Node, upload, "src"));
    }

    [Theory]
    [InlineData(600)]
    [InlineData(5000)]
    public async Task One_corrupt_byte_is_one(int offset)
    {
        await using var test = await TestNode.SampleAsync();
        var good = (await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes;
        test.Node.Faults.Add(Fault.CorruptByte(offset));
        var bad = (await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes;
        Assert.Equal([offset], Enumerable.Range(0, good.Length).Where(i => good[i] != bad[i]));
    }

    [Theory]
    [InlineData(null, "src")]
    [InlineData("demo", "demo")]
    public async Task A_lost_import_is_confirmed_and_a_database_is_missing(string? database, string missing)
    {
        await using var test = await TestNode.SampleAsync();
        test.Node.Faults.Add(Fault.ImportLosesDatabase(database));
        Assert.Single(await MetastoreUpdateTests.ImportAsync(test.Node, MetastoreUpdateTests.Upload(("src", "rp", [1])), "src"));
        Assert.DoesNotContain(test.Node.Metadata.Read().Databases, d => d.Name == missing);
    }

    [Fact]
    public async Task A_rule_hits_from_its_first_occurrence_for_a_number_of_times()
    {
        await using var test = await TestNode.SampleAsync();
        var rule = test.Node.Faults.Add(Fault.Busy(), SnapshotterRequestType.ShardBackup, Shard, from: 2, times: 2);
        var answered = new List<bool>();
        for (var i = 0; i < 5; i++)
        {
            answered.Add((await ShardBackupTests.BackupAsync(test.Node, Shard)).Bytes.Length > 0);
            Assert.NotEmpty((await ShardBackupTests.BackupAsync(test.Node, 3)).Bytes);
        }

        Assert.Equal([true, false, false, true, true], answered);
        Assert.Equal(2, test.Node.Faults.Hits(rule));
        Assert.True(test.Node.Faults.Remove(rule));
    }
}
