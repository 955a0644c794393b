using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Tests.Snapshotter;

/// <summary>Requests are byte for byte those of the official client; answers are whole or an error.</summary>
public sealed class MessageTests
{
    private const string Zero = "0001-01-01T00:00:00Z";

    [Fact]
    public void A_request_has_the_bytes_of_the_official_client()
    {
        const string Json = """{"Type":1,"BackupDatabase":"","RestoreDatabase":"","BackupRetentionPolicy":"","RestoreRetentionPolicy":"","ShardID":0,"Since":"0001-01-01T00:00:00Z","ExportStart":"0001-01-01T00:00:00Z","ExportEnd":"0001-01-01T00:00:00Z","UploadSize":0}""";
        Assert.Equal([3, 1, .. Encoding.ASCII.GetBytes(Json), (byte)'\n'], new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup).ToBytes());
    }

    [Fact]
    public void An_upload_follows_its_request_after_one_line_feed()
    {
        var bytes = new SnapshotterRequest(SnapshotterRequestType.MetastoreUpdate) { BackupDatabase = "a", RestoreDatabase = "b", UploadSize = 3 }.ToBytes([9, 8, 7]);
        Assert.Equal([3, 6, (byte)'{'], bytes[..3]);
        Assert.Equal([(byte)'}', (byte)'\n', 9, 8, 7], bytes[^5..]);
        Assert.Equal(1, bytes.Count(b => b == (byte)'\n'));
    }

    [Fact]
    public void A_server_reads_what_was_meant()
    {
        var text = Gen.Elements("a", "\"", "\\", "\n", "ü", "ポ", "😀", "<", " ", "\u2028").ListOf().Select(parts => string.Concat(parts));
        Check.QuickThrowOnFailure(Prop.ForAll(
            (from a in text
             from b in text
             from id in Gen.Choose(0, int.MaxValue)
             from seconds in Gen.Choose(int.MinValue, int.MaxValue)
             select new SnapshotterRequest(SnapshotterRequestType.ShardExport)
             {
                 BackupDatabase = a, RestoreDatabase = b, BackupRetentionPolicy = b, RestoreRetentionPolicy = a, ShardId = ulong.MaxValue - (ulong)id,
                 Since = SnapshotterRequest.Time(DateTimeOffset.UnixEpoch.AddSeconds(seconds)), ExportStart = Zero, UploadSize = id,
             }).ToArbitrary(),
            request => SnapshotterRequest.Parse(request.Type, request.ToBytes().AsMemory(2)) == request));
    }

    [Fact]
    public void Names_of_fields_may_have_any_case_and_unknown_ones_are_passed_over()
    {
        var request = SnapshotterRequest.Parse(SnapshotterRequestType.ShardBackup, """{"shardid":7,"SINCE":"2024-01-02T03:04:05Z","Future":[1]}"""u8.ToArray());
        Assert.Equal(new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = 7, Since = "2024-01-02T03:04:05Z" }, request);
        Assert.Equal(new SnapshotterRequest(SnapshotterRequestType.ShardBackup), SnapshotterRequest.Parse(SnapshotterRequestType.ShardBackup, "{}"u8.ToArray()));
        Assert.ThrowsAny<JsonException>(() => SnapshotterRequest.Parse(SnapshotterRequestType.ShardBackup, "{"u8.ToArray()));
    }

    [Theory]
    [InlineData("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z")]
    [InlineData("2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.1234567Z")]
    [InlineData("2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05.5Z")]
    public void Times_are_sent_as_the_service_reads_them(string time, string sent) =>
        Assert.Equal(sent, SnapshotterRequest.Time(DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("null\n")]
    [InlineData("{\"ID\":1}\n")]
    [InlineData("")]
    public void Metadata_come_back_as_they_were_sent(string node)
    {
        var sent = new MetastoreBackup(new byte[] { 8, 1, 2 }, Encoding.ASCII.GetBytes(node));
        var bytes = sent.ToBytes();
        Assert.Equal([0, 0, 0, 0, 0x59, 0x59, 1, 1, 0, 0, 0, 0, 0, 0, 0, 3, 8, 1, 2], bytes[..19]);
        var read = MetastoreBackup.Parse(bytes, "the test");
        Assert.Equal(sent.Metadata.ToArray(), read.Metadata.ToArray());
        Assert.Equal(sent.Node.ToArray(), read.Node.ToArray());
    }

    [Fact]
    public void Metadata_cut_at_any_byte_or_with_more_behind_are_refused()
    {
        var bytes = new MetastoreBackup(new byte[300], "null\n"u8.ToArray()).ToBytes();
        for (var length = 0; length < bytes.Length; length++)
        {
            var error = Assert.Throws<InfluxBackupException>(() => MetastoreBackup.Parse(bytes.AsMemory(0, length), "the test"));
            Assert.Equal(length < 8 ? "MetadataDamaged" : "MetadataTruncated", error.Id);
            Assert.Equal(length >= 8, error.IsTransient);
        }

        byte[] longer = [.. bytes, 0];
        Assert.Throws<InfluxBackupException>(() => MetastoreBackup.Parse(longer, "the test"));
        Assert.False(MetastoreBackup.HasMagic(bytes.AsSpan(1)));
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(1UL << 32)]
    [InlineData(int.MaxValue)]
    [InlineData(20UL)]
    public void A_length_that_can_not_be_is_refused(ulong length)
    {
        var bytes = new MetastoreBackup(new byte[4], "null\n"u8.ToArray()).ToBytes();
        foreach (var at in new[] { 8, 20 })
        {
            var changed = (byte[])bytes.Clone();
            BinaryPrimitives.WriteUInt64BigEndian(changed.AsSpan(at), length);
            Assert.Equal("MetadataTruncated", Assert.Throws<InfluxBackupException>(() => MetastoreBackup.Parse(changed, "the test")).Id);
        }
    }

    [Fact]
    public void The_map_of_shards_comes_back_as_it_was_sent()
    {
        Assert.Equal("000000005959010100000000000000010000000000000005000000000000000A", Convert.ToHexString(ShardIdMap.ToBytes(new Dictionary<ulong, ulong> { [5] = 10 })));
        var map = new Dictionary<ulong, ulong> { [1] = 2, [ulong.MaxValue] = 0, [7] = 1UL << 63 };
        Assert.Equal(map, ShardIdMap.Parse(ShardIdMap.ToBytes(map), "the test"));
        Assert.Empty(ShardIdMap.Parse(ShardIdMap.ToBytes(new Dictionary<ulong, ulong>()), "the test"));
    }

    [Fact]
    public void A_map_of_shards_cut_at_any_byte_or_with_a_wrong_count_is_refused()
    {
        var bytes = ShardIdMap.ToBytes(new Dictionary<ulong, ulong> { [1] = 2, [3] = 4 });
        for (var length = 0; length < bytes.Length; length++)
        {
            Refused(bytes[..length]);
        }

        Refused([.. bytes, 0]);
        foreach (var count in (ulong[])[0, 1, 3, ulong.MaxValue, 1UL << 60])
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), count);
            Refused(bytes);
        }

        static void Refused(byte[] answer) => Assert.Equal("MetadataImportUnanswered", Assert.Throws<InfluxBackupException>(() => ShardIdMap.Parse(answer, "the test")).Id);
    }

    [Fact]
    public void A_list_of_shards_comes_back_as_it_was_sent()
    {
        ShardKey[] keys = [new("db", "rp", 1), new("dotted.db-1 größe", "two words", ulong.MaxValue), new("\"q\"", "ポ", 3)];
        Assert.Equal(keys, ShardPathList.Parse(ShardPathList.ToBytes(keys), "the test"));
        Assert.Equal("{\"Paths\":[\"db/rp/1\"]}\n", Encoding.ASCII.GetString(ShardPathList.ToBytes([keys[0]])));
        Assert.Equal("{\"Paths\":null}\n", Encoding.ASCII.GetString(ShardPathList.ToBytes([])));
        Assert.Empty(ShardPathList.Parse("{\"Paths\":null}\n"u8.ToArray(), "the test"));
        Assert.Equal([keys[0]], ShardPathList.Parse("""{"Paths":["db\\rp\\1"]}"""u8.ToArray(), "the test"));
    }

    [Fact]
    public void A_list_of_shards_cut_at_any_byte_is_refused()
    {
        var bytes = ShardPathList.ToBytes([new("db", "rp", 1), new("db", "rp", 22)]);
        for (var length = 0; length < bytes.Length - 1; length++)
        {
            Assert.Equal("ShardListDamaged", Assert.Throws<InfluxBackupException>(() => ShardPathList.Parse(bytes.AsMemory(0, length), "the test")).Id);
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"Paths\":3}")]
    [InlineData("{\"Paths\":[1]}")]
    [InlineData("{\"Paths\":[null]}")]
    [InlineData("{\"Paths\":[\"db/rp\"]}")]
    [InlineData("{\"Paths\":[\"db/rp/x/1\"]}")]
    [InlineData("{\"Paths\":[\"db/rp/-1\"]}")]
    [InlineData("{\"Paths\":[\"db/rp/1x\"]}")]
    [InlineData("{\"Paths\":[\"db/rp/99999999999999999999\"]}")]
    public void What_is_no_list_of_shards_is_refused(string json) =>
        Assert.Equal("ShardListDamaged", Assert.Throws<InfluxBackupException>(() => ShardPathList.Parse(Encoding.ASCII.GetBytes(json), "the test")).Id);
}
