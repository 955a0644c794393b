using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>A backup is there whole, or it is not there.</summary>
public sealed class PortableBackupWriterTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Nothing_is_visible_before_the_commit_and_everything_after_it()
    {
        using var writer = Sets.Begin(directory);
        var shard = await Sets.WriteAsync(writer, Sets.Key(1));
        Assert.All(Sets.Names(directory), n => Assert.EndsWith(".partial", n, StringComparison.Ordinal));
        Assert.Empty(BackupSet.Open(directory).ManifestPaths());

        Sets.Commit(writer, shard);
        Assert.Equal(["20240102T120000Z.manifest", "20240102T120000Z.meta", "20240102T120000Z.s1.tar.gz"], Sets.Names(directory));
    }

    [Fact]
    public async Task What_was_written_is_read_back_byte_for_byte()
    {
        await Sets.MakeAsync(directory, null, 1, 2, 3);
        var point = RestorePoint.Of(BackupSet.Open(directory).Find(null));
        Assert.Equal([Sets.Key(1), Sets.Key(2), Sets.Key(3)], point.Shards.Keys.Order());
        var sink = new FakeSink();
        var results = await new ShardTransfer(new TransferOptions { MaxAttempts = 1 }).RunAsync(
            point.Shards.Keys.Select(k => new ShardTask(k)).ToList(), new PortableShardSource(point.Shards), sink, Cancel);
        Assert.All(results, r => Assert.Equal(ShardOutcome.Complete, r.Outcome));
        Assert.All(sink.Kept, k => Assert.Equal(TarBuilder.Shard(k.Key, 500), k.Value));
    }

    [Fact]
    public async Task Without_a_commit_nothing_remains()
    {
        await Sets.MakeAsync(directory, null, 1);
        var before = Sets.Names(directory);
        using (var writer = Sets.Begin(directory))
        {
            await Sets.WriteAsync(writer, Sets.Key(1));
            await Sets.WriteAsync(writer, Sets.Key(2));
        }

        Assert.Equal(before, Sets.Names(directory));
    }

    [Fact]
    public async Task A_truncated_stream_leaves_no_backup_behind()
    {
        using (var writer = Sets.Begin(directory))
        {
            var whole = TarBuilder.Shard(Sets.Key(1), 5000);
            await Assert.ThrowsAsync<InfluxBackupException>(() => Sets.WriteAsync(writer, Sets.Key(1), whole[..3000]));
            await writer.DiscardAsync(Sets.Key(1));
            Assert.Empty(Sets.Names(directory));
        }

        Assert.Empty(Sets.Names(directory));
    }

    [Fact]
    public async Task A_second_attempt_replaces_the_first()
    {
        using var writer = Sets.Begin(directory);
        await Assert.ThrowsAsync<InfluxBackupException>(() => Sets.WriteAsync(writer, Sets.Key(1), TarBuilder.Shard(Sets.Key(1), 50_000)[..40_000]));
        var result = await Sets.WriteAsync(writer, Sets.Key(1), TarBuilder.Shard(Sets.Key(1), 30));
        var entry = Sets.Commit(writer, result).Files![0];
        Assert.Equal(entry.ArchiveSize, new FileInfo(directory[entry.FileName]).Length);
        Assert.Equal(entry.ArchiveSize, result.Receipt!.StoredBytes);
        Assert.Equal(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(directory[entry.FileName]))).ToLowerInvariant(), entry.ArchiveSha256);
    }

    [Fact]
    public async Task A_commit_that_fails_leaves_nothing_of_ours_and_all_of_others()
    {
        using (var writer = Sets.Begin(directory))
        {
            var shard = await Sets.WriteAsync(writer, Sets.Key(1));
            File.WriteAllText(directory[writer.Timestamp + ".meta"], "another program's");
            File.WriteAllText(directory[writer.Timestamp + ".s9.tar.gz"], "another program's");
            var error = Assert.Throws<InfluxBackupException>(() => Sets.Commit(writer, shard));
            Assert.Equal("PathNotWritable", error.Id);
        }

        Assert.Equal(["20240102T120000Z.meta", "20240102T120000Z.s9.tar.gz"], Sets.Names(directory));
        Assert.Equal("another program's", File.ReadAllText(directory["20240102T120000Z.meta"]));
    }

    [Fact]
    public void Two_runs_at_once_do_not_share_a_set()
    {
        using (Sets.Begin(directory))
        {
            var error = Assert.Throws<InfluxBackupException>(() => Sets.Begin(directory));
            Assert.Equal(("BackupSetInUse", ErrorKind.Busy), (error.Id, error.Kind));
        }

        Sets.Begin(directory).Dispose();
    }

    [Fact]
    public void A_lock_that_can_not_be_had_for_another_reason_is_no_other_run()
    {
        // Opening a socket as a file fails, whoever asks.
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix domain sockets are files of another kind there.");
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(directory[BackupSetLock.FileName]));
        Assert.Equal("PathNotWritable", Assert.Throws<InfluxBackupException>(() => Sets.Begin(directory)).Id);
    }

    [Fact]
    public async Task A_second_backup_in_the_same_second_gets_the_next_name()
    {
        Assert.Equal("20240102T120000Z", await Sets.MakeAsync(directory, null, 1));
        Assert.Equal("20240102T120001Z", await Sets.MakeAsync(directory, null, 1));
        Assert.Equal("20240102T120002Z", await Sets.MakeAsync(directory, null, 1));
        File.WriteAllText(directory["20240102T120003Z.s1.tar.gz"], "another program's");
        Assert.Equal("20240102T120004Z", await Sets.MakeAsync(directory));
    }

    [Theory]
    [InlineData("file/below")]
    [InlineData("file")]
    public void A_set_can_not_lie_in_a_file(string path)
    {
        File.WriteAllText(directory["file"], "");
        Assert.Equal("PathNotWritable", Assert.Throws<InfluxBackupException>(() => BackupSet.OpenOrCreate(directory[path])).Id);
        Assert.Equal("BackupSetNotFound", Assert.Throws<InfluxBackupException>(() => BackupSet.Open(directory[path])).Id);
    }

    [Fact]
    public void A_directory_that_can_not_be_written_is_named()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "No file system here that refuses even root.");
        Assert.Equal("PathNotWritable", Assert.Throws<InfluxBackupException>(() => BackupSet.OpenOrCreate("/proc/no/set")).Id);
        var error = Assert.Throws<InfluxBackupException>(() => Sets.Begin("/proc"));
        Assert.Equal("PathNotWritable", error.Id);
        Assert.Contains("/proc", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_set_that_vanishes_while_it_is_written_is_an_error_and_the_lock_is_free_again()
    {
        using (var writer = Sets.Begin(directory["set"]))
        {
            var shard = await Sets.WriteAsync(writer, Sets.Key(1));
            Directory.Delete(directory["set"], recursive: true);
            Assert.Equal("PathNotWritable", Assert.Throws<InfluxBackupException>(() => Sets.Commit(writer, shard)).Id);
            Assert.Equal("PathNotWritable", (await Assert.ThrowsAsync<InfluxBackupException>(() => Sets.WriteAsync(writer, Sets.Key(2)))).Id);
        }

        Sets.Begin(directory["set"]).Dispose();
    }

    [Fact]
    public async Task Only_the_owner_can_read_a_backup()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // Rights are inherited there.
        }

        await Sets.MakeAsync(directory["new"], null, 1);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory["new"]));
        foreach (var name in Sets.Names(directory["new"]))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory["new"], name)));
        }
    }

    [Fact]
    public async Task Deletes_that_are_pending_are_told()
    {
        using var writer = Sets.Begin(directory);
        var tar = new TarBuilder().Entry($"{Sets.Key(1).Path}/000000001-000000001.tombstone", [1]).Entry($"{Sets.Key(1).Path}/000000001-000000001.tsm", TarBuilder.Tsm()).Zeros().ToArray();
        Assert.Contains("tombstones", Assert.Single((await Sets.WriteAsync(writer, Sets.Key(1), tar)).Receipt!.Warnings!), StringComparison.Ordinal);
    }

    [Fact]
    public void A_backup_without_shards_is_one()
    {
        using (var writer = Sets.Begin(directory))
        {
            Sets.Commit(writer);
        }

        var backup = BackupSet.Open(directory).Find(null);
        Assert.Empty(backup.Shards());
        Assert.Empty(backup.Metadata.Databases);
    }
}
