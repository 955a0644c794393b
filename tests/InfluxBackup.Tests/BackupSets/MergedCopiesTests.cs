using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>The archives of several owners become one archive that can be trusted, and the disk is as it was.</summary>
public sealed class MergedCopiesTests : IDisposable
{
    private static readonly ShardKey Shard = Sets.Key(7);

    private readonly TemporaryDirectory temporary = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => temporary.Dispose();

    private static byte[] Tar(params (string Name, byte[] Data)[] files) =>
        files.Aggregate(new TarBuilder(), (tar, file) => tar.Entry($"{Shard.Path}/{file.Name}", file.Data)).Zeros().ToArray();

    private async Task<MergedCopies> StageAsync(params byte[][] tars)
    {
        var copies = new MergedCopies(Shard, NullLogger.Instance, temporary[""]);
        for (var i = 0; i < tars.Length; i++)
        {
            await using var stream = new ShardStream(new PieceStream(tars[i], 700));
            using var archive = new GuardedArchive(Shard, stream, "the test");
            await copies.AddAsync(archive, $"data-{i + 1}:8088", Cancel);
        }

        return copies;
    }

    [Fact]
    public async Task Copies_become_one_archive_without_deleted_points()
    {
        var deleting = new GeneratedFile([new("a", "f", [(1, 1L), (2, 1L)])], [new("a", "f", new TimeRange(2, 2))]);
        using (var copies = await StageAsync(
            Tar(("000000003-000000001.tsm", deleting.ToTsm()), ("000000003-000000001.tombstone", deleting.ToTombstones())),
            Tar(("000000001-000000002.tsm", new BuiltFile().Integers("a", "f", (1, 2), (3, 2)).ToArray()))))
        {
            var (stream, report) = copies.Merge(Cancel);
            Assert.Equal((2, 1, 1), (report.Points, report.Missing, report.Different));
            await using (stream)
            {
                using var archive = new GuardedArchive(Shard, stream, "the test");
                var tar = new MemoryStream();
                while (await archive.ReadAsync(Cancel) is { IsEmpty: false } piece)
                {
                    tar.Write(piece.Span);
                }

                Assert.Equal([(1L, 2L), (3, 2L)], ReshardedPoints.Read(tar.ToArray()).OrderBy(p => p.Key.Time).Select(p => (p.Key.Time, (long)p.Value)));
                Assert.Equal(["000000001-000000001.tsm"], archive.Result!.Entries.Select(e => e.Name));
            }
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
    }

    [Fact]
    public async Task Copies_without_files_are_an_empty_archive()
    {
        using var copies = await StageAsync(Tar(), Tar());
        var (stream, report) = copies.Merge(Cancel);
        await using var closing = stream;
        using var archive = new GuardedArchive(Shard, stream, "the test");
        Assert.Empty((await archive.ReadToEndAsync(Cancel)).Entries);
        Assert.True(report.Agree);
    }

    [Fact]
    public async Task A_damaged_copy_is_named_with_its_owner_and_nothing_is_left()
    {
        var sound = new BuiltFile().Integers("a", "f", (1, 1)).ToArray();
        var damaged = (byte[])sound.Clone();
        damaged[12] ^= 1;
        using (var copies = await StageAsync(Tar(("000000001-000000001.tsm", sound)), Tar(("000000001-000000001.tsm", damaged))))
        {
            var error = Assert.Throws<InfluxBackupException>(() => copies.Merge(Cancel));
            Assert.Equal("TsmFileDamaged", error.Id);
            Assert.Contains("000000001-000000001.tsm of data-2:8088", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(temporary[""], error.Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
    }
}
