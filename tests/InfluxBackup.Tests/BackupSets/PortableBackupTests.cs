using System.Security.Cryptography;
using Google.Protobuf;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Manifest and metadata of a backup, and what is believed of them.</summary>
public sealed class PortableBackupTests : IDisposable
{
    private static readonly Data Known = Sets.Metadata(Sets.Key(1), Sets.Key(2));

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    private PortableBackup Open(params ManifestShard[] files)
    {
        Sets.Put(directory, Sets.Time1, Known, files);
        return PortableBackup.Open(directory[Sets.Time1 + ".manifest"]);
    }

    private (ServerMetadata? Metadata, string? Error, List<string> Warnings) ReadMeta(byte[] bytes, long size = 0, string? sha256 = null)
    {
        File.WriteAllBytes(directory["x.meta"], bytes);
        var warnings = new List<string>();
        try
        {
            return (MetaFile.Read(directory["x.meta"], size, sha256, warnings), null, warnings);
        }
        catch (InfluxBackupException e)
        {
            return (null, e.Id, warnings);
        }
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("db", "")]
    [InlineData("", "rp")]
    [InlineData("db", "rp")]
    public void Names_that_a_manifest_leaves_out_are_looked_up(string database, string policy)
    {
        var (key, entry) = Assert.Single(Open(Sets.Entry(Sets.Time1, Sets.Key(2)) with { Database = database, RetentionPolicy = policy }).Shards());
        Assert.Equal(Sets.Key(2), key);
        Assert.Equal(database, entry.Database);
    }

    [Theory]
    [InlineData("other", "rp")]
    [InlineData("db", "other")]
    [InlineData("", "other")]
    [InlineData("DB", "rp")]
    public void An_entry_that_contradicts_the_metadata_is_refused(string database, string policy)
    {
        var backup = Open(Sets.Entry(Sets.Time1, Sets.Key(2)) with { Database = database, RetentionPolicy = policy });
        Assert.Equal("ManifestInvalid", Assert.Throws<InfluxBackupException>(() => backup.Shards()).Id);
    }

    [Fact]
    public void An_entry_that_the_metadata_do_not_know_is_refused()
    {
        var backup = Open(Sets.Entry(Sets.Time1, Sets.Key(3)));
        Assert.Equal("ShardUnknown", Assert.Throws<InfluxBackupException>(() => backup.Shards()).Id);
    }

    [Fact]
    public void Metadata_come_back_as_they_were_written()
    {
        var bytes = Known.ToByteArray();
        Assert.Equal(Known, ReadMeta(MetaFile.ToBytes(bytes), bytes.Length).Metadata!.Data);
        var head = MetaFile.ToBytes(bytes);
        Assert.Equal(0x0a, head[0]);
        Assert.Equal([0x10, 0x00], head[^2..]);
    }

    [Fact]
    public void A_metadata_file_cut_at_any_byte_is_never_accepted()
    {
        var file = MetaFile.ToBytes(Known.ToByteArray());
        for (var length = 0; length < file.Length; length++)
        {
            var (_, error, _) = ReadMeta(file[..length]);
            Assert.True(error is "MetadataDamaged" or "MetadataMissing", $"{length} bytes of {file.Length}: {error}");
        }
    }

    [Fact]
    public void Bare_metadata_are_read_with_a_warning()
    {
        var bytes = Known.ToByteArray();
        var (metadata, _, warnings) = ReadMeta(bytes, bytes.Length);
        Assert.Equal(Known, metadata!.Data);
        Assert.Contains("wrapper", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_length_than_the_manifest_says_is_refused()
    {
        var bytes = Known.ToByteArray();
        Assert.Equal("MetadataDamaged", ReadMeta(MetaFile.ToBytes(bytes), bytes.Length + 1).Error);
        Assert.Equal("MetadataDamaged", ReadMeta(bytes, bytes.Length - 1).Error);
        Assert.Null(ReadMeta(MetaFile.ToBytes(bytes)).Error);
    }

    [Fact]
    public void Changed_metadata_are_found_wherever_they_are_read()
    {
        var file = MetaFile.ToBytes(Known.ToByteArray());
        var sha256 = Convert.ToHexString(SHA256.HashData(file));
        Assert.Null(ReadMeta(file, 0, sha256).Error);
        for (var at = 0; at < file.Length; at++)
        {
            var changed = (byte[])file.Clone();
            changed[at] ^= 1;
            Assert.Equal("MetadataHashMismatch", ReadMeta(changed, 0, sha256).Error);
        }
    }

    [Fact]
    public async Task A_backup_whose_metadata_have_changed_is_not_restored()
    {
        await Sets.MakeAsync(directory, null, 1);
        var backup = BackupSet.Open(directory).Find(null);
        var file = await File.ReadAllBytesAsync(backup.MetadataPath, TestContext.Current.CancellationToken);
        var at = file.AsSpan().IndexOf("db"u8);
        file[at] = (byte)'c';
        await File.WriteAllBytesAsync(backup.MetadataPath, file, TestContext.Current.CancellationToken);
        Assert.Equal("MetadataHashMismatch", Assert.Throws<InfluxBackupException>(() => backup.Metadata).Id);
        Assert.Throws<InfluxBackupException>(() => RestorePoint.Of(backup));
    }

    [Fact]
    public void Missing_and_foreign_metadata_files_are_named()
    {
        Assert.Equal("MetadataMissing", Assert.Throws<InfluxBackupException>(() => MetaFile.Read(directory["no.meta"], 0, null, [])).Id);
        Assert.Equal("MetadataMissing", ReadMeta([]).Error);
        Assert.Equal("MetadataDamaged", ReadMeta("PK\u0003\u0004"u8.ToArray()).Error);
        Assert.Equal("MetadataDamaged", ReadMeta([0, 0, 0, 0, 0x59, 0x59, 1, 1, 0, 0]).Error);
    }

    [Theory]
    [InlineData("20240102T030405Z", true)]
    [InlineData("20240102T030405", false)]
    [InlineData("2024-01-02T03:04:05Z", false)]
    [InlineData("20241302T030405Z", false)]
    [InlineData("notes", false)]
    [InlineData(null, false)]
    public void The_name_of_a_backup_is_its_time(string? name, bool isTime)
    {
        Assert.Equal(isTime, BackupTimestamp.TryParse(name, out var time));
        if (isTime)
        {
            Assert.Equal((name, DateTimeKind.Utc), (BackupTimestamp.Format(time), time.Kind));
        }
    }
}
