using System.IO.Compression;
using System.Security.Cryptography;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>An archive on the disk is what was put there, or it is an error.</summary>
public sealed class GzipShardStreamTests : IDisposable
{
    private static readonly ShardKey Shard = Sets.Key(1);
    private static readonly byte[] Tar = new TarBuilder()
        .Entry($"{Shard.Path}/000000001-000000001.tsm", Noise(900))
        .Entry($"{Shard.Path}/000000002-000000001.tsm", TarBuilder.Tsm(2000)).Zeros().ToArray();

    private static readonly byte[] Gzip = Pack(Tar);

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Path => directory["x.tar.gz"];

    public void Dispose() => directory.Dispose();

    private static byte[] Noise(int size)
    {
        var tsm = TarBuilder.Tsm(size);
        new Random(7).NextBytes(tsm.AsSpan(5, size - 13));
        return tsm;
    }

    private static byte[] Pack(byte[] content)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant();

    /// <summary>Reads as a restore does: unpacked, and through the guard.</summary>
    private async Task<ShardArchive> ReadAsync(byte[] file, long? size = null, string? sha256 = null, long? tarSize = null)
    {
        await File.WriteAllBytesAsync(Path, file, Cancel);
        await using var stream = new ShardStream(GzipShardStream.Open(Path, size, sha256)) { ExpectedLength = tarSize };
        using var archive = new GuardedArchive(Shard, stream, "the test");
        return await archive.ReadToEndAsync(Cancel);
    }

    private async Task<string> RefusedAsync(byte[] file, long? size = null, string? sha256 = null) =>
        (await Assert.ThrowsAsync<InfluxBackupException>(() => ReadAsync(file, size, sha256))).Id;

    [Fact]
    public async Task A_sound_archive_is_read_whole()
    {
        Assert.Equal(Sha256(Tar), (await ReadAsync(Gzip)).Sha256);
        Assert.Equal(Sha256(Tar), (await ReadAsync(Gzip, Gzip.Length, Sha256(Gzip).ToUpperInvariant(), Tar.Length)).Sha256);
    }

    [Fact]
    public async Task An_archive_cut_at_any_byte_is_never_accepted()
    {
        for (var length = 0; length < Gzip.Length; length++)
        {
            Assert.Contains(await RefusedAsync(Gzip[..length]), new[] { "ArchiveDamaged", "ShardTruncated", "ShardNotSent" });
        }
    }

    [Fact]
    public async Task A_cut_archive_is_found_by_its_size_before_it_is_read() =>
        Assert.Equal("ArchiveSizeMismatch", await RefusedAsync(Gzip[..^1], Gzip.Length, Sha256(Gzip)));

    [Fact]
    public async Task A_changed_bit_anywhere_is_found_by_the_hash()
    {
        for (var at = 0; at < Gzip.Length; at++)
        {
            var changed = (byte[])Gzip.Clone();
            changed[at] ^= (byte)(1 << (at % 8));
            Assert.Contains(await RefusedAsync(changed, Gzip.Length, Sha256(Gzip)), new[] { "ArchiveDamaged", "ArchiveHashMismatch", "ShardArchiveDamaged", "ShardTruncated", "ShardArchiveUnsafe", "TsmFileDamaged" });
        }
    }

    [Fact]
    public async Task Without_a_hash_a_changed_bit_is_found_or_changes_nothing()
    {
        for (var at = 0; at < Gzip.Length; at++)
        {
            var changed = (byte[])Gzip.Clone();
            changed[at] ^= (byte)(1 << (at % 8));
            try
            {
                Assert.Equal(Sha256(Tar), (await ReadAsync(changed)).Sha256);
            }
            catch (InfluxBackupException)
            {
            }
        }
    }

    [Fact]
    public async Task Whatever_is_appended_is_found()
    {
        byte[] emptyMember = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        foreach (var more in new[] { [0], [0, 0, 0, 0], "garbage"u8.ToArray(), Gzip, emptyMember, Pack(new byte[512]), new byte[4096], [0x1f], [0x1f, 0x8b], [0x1f, 0x8b, 8] })
        {
            byte[] longer = [.. Gzip, .. more];
            Assert.Contains(await RefusedAsync(longer), new[] { "ArchiveDamaged", "ShardArchiveDamaged" });
            Assert.Equal("ArchiveSizeMismatch", await RefusedAsync(longer, Gzip.Length));
            Assert.Contains(await RefusedAsync(longer, null, Sha256(Gzip)), new[] { "ArchiveDamaged", "ShardArchiveDamaged", "ArchiveHashMismatch" });
        }
    }

    /// <summary>The tail of an older archive of the same length, as a tool leaves it that writes without truncating.</summary>
    [Fact]
    public async Task The_tail_of_an_older_archive_changes_nothing_that_is_read_and_is_found_where_the_size_is_known()
    {
        byte[] longer = [.. Gzip, .. Gzip[^8..]];
        Assert.Equal(Sha256(Tar), (await ReadAsync(longer)).Sha256);
        Assert.Equal("ArchiveSizeMismatch", await RefusedAsync(longer, Gzip.Length));
        Assert.Equal("ArchiveHashMismatch", await RefusedAsync(longer, null, Sha256(Gzip)));
    }

    [Fact]
    public async Task Another_archive_in_its_place_is_found()
    {
        var other = Pack(TarBuilder.Shard(Shard, 900));
        Assert.Equal("ArchiveHashMismatch", await RefusedAsync(other, null, Sha256(Gzip)));
        Assert.Equal("ArchiveSizeMismatch", await RefusedAsync(other, Gzip.Length));
    }

    [Fact]
    public async Task Something_else_in_its_place_is_found()
    {
        Assert.Equal("ArchiveDamaged", await RefusedAsync(Tar));
        Assert.Equal("ArchiveDamaged", await RefusedAsync("not gzip at all"u8.ToArray()));
        Assert.Equal("ShardTruncated", await RefusedAsync(Pack(Tar[..^512])));
    }

    [Fact]
    public async Task An_archive_with_a_name_in_its_header_is_read_as_well()
    {
        byte[] named = [0x1f, 0x8b, 8, 8, 0, 9, 0x6e, 0x88, 0, 0xff, .. "x.tar\0"u8, .. Gzip[10..]];
        Assert.Equal(Sha256(Tar), (await ReadAsync(named)).Sha256);
    }

    [Fact]
    public void A_missing_archive_is_named()
    {
        var error = Assert.Throws<InfluxBackupException>(() => GzipShardStream.Open(Path, null, null));
        Assert.Equal(("ArchiveMissing", Path), (error.Id, error.Subject));
        Assert.Equal("PathNotReadable", Assert.Throws<InfluxBackupException>(() => GzipShardStream.Open(directory.Path, null, null)).Id);
    }

    [Fact]
    public async Task A_file_is_free_again_after_an_error()
    {
        await RefusedAsync(Gzip[..^1], Gzip.Length);
        await RefusedAsync(Gzip[..^1]);
        using var exclusive = new FileStream(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal(Gzip.Length - 1, exclusive.Length);
    }
}
