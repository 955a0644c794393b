using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Transfer;

/// <summary>The end of a guarded archive is the proof that all of it was right.</summary>
public sealed class GuardedArchiveTests
{
    private static readonly ShardKey Shard = new("db", "rp", 7);
    private static readonly byte[] Tar = TarBuilder.Shard(Shard, 3000);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<ShardArchive> ReadAsync(byte[] tar, long? length = null, string? sha256 = null, params int[] pieces)
    {
        await using var stream = new ShardStream(new PieceStream(tar, pieces)) { ExpectedLength = length, ExpectedSha256 = sha256 };
        using var archive = new GuardedArchive(Shard, stream, "the test");
        return await archive.ReadToEndAsync(Cancel);
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant();

    [Fact]
    public async Task What_was_read_is_described()
    {
        var archive = await ReadAsync(Tar, Tar.Length, Sha256(Tar).ToUpperInvariant());
        Assert.Equal((Tar.Length, Sha256(Tar), 1), (archive.Length, archive.Sha256, archive.TsmFiles));
        Assert.Equal(("000000001-000000001.tsm", 3000L), (archive.Entries[0].Name, archive.Entries[0].Size));
        Assert.Equal(new DateTimeOffset(2023, 11, 14, 22, 13, 20, TimeSpan.Zero), archive.Entries[0].Modified);
    }

    [Fact]
    public void Pieces_of_any_size_give_the_same_archive() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Gen.Choose(1, 2000).NonEmptyListOf().ToArbitrary(), pieces =>
            ReadAsync(Tar, Tar.Length, Sha256(Tar), [.. pieces]).GetAwaiter().GetResult().Sha256 == Sha256(Tar)));

    [Theory]
    [InlineData(-1, "longer")]
    [InlineData(1, "shorter")]
    public async Task Another_length_than_the_manifest_says_is_refused(int more, string word)
    {
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => ReadAsync(Tar, Tar.Length + more));
        Assert.Equal("ShardSizeMismatch", error.Id);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_content_than_the_manifest_says_is_refused()
    {
        var changed = TarBuilder.Shard(Shard, 3000, 0xab);
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => ReadAsync(changed, changed.Length, Sha256(Tar)));
        Assert.Equal("ShardHashMismatch", error.Id);
    }

    [Fact]
    public async Task There_is_no_result_before_the_end_and_the_end_stays_the_end()
    {
        await using var stream = new ShardStream(new PieceStream(Tar, Tar.Length));
        using var archive = new GuardedArchive(Shard, stream, "the test");
        Assert.Equal(Tar.Length, (await archive.ReadAsync(Cancel)).Length);
        Assert.Null(archive.Result);
        Assert.True((await archive.ReadAsync(Cancel)).IsEmpty);
        Assert.NotNull(archive.Result);
        Assert.True((await archive.ReadAsync(Cancel)).IsEmpty);
    }

    [Fact]
    public async Task There_is_no_result_after_an_error()
    {
        await using var stream = new ShardStream(new PieceStream(Tar[..^512]));
        using var archive = new GuardedArchive(Shard, stream, "the test");
        await Assert.ThrowsAsync<InfluxBackupException>(() => archive.ReadToEndAsync(Cancel));
        Assert.Null(archive.Result);
        await Assert.ThrowsAsync<InfluxBackupException>(() => archive.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task After_its_disposal_nothing_can_be_read()
    {
        await using var stream = new ShardStream(new PieceStream(Tar));
        var archive = new GuardedArchive(Shard, stream, "the test");
        archive.Dispose();
        archive.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => archive.ReadToEndAsync(Cancel));
    }
}
