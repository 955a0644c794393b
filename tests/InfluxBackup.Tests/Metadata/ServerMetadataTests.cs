using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.BackupSets;
using ShardInfo = InfluxBackup.Metadata.ShardInfo;

namespace InfluxBackup.Tests.Metadata;

/// <summary>Metadata are read whole or not at all, and what is not understood is kept.</summary>
public sealed class ServerMetadataTests
{
    /// <summary>One of everything, every level with a field of its own that no schema knows.</summary>
    private static Data Everything()
    {
        var shard = Marked(new ShardInfo { ID = 7, Owners = { Marked(new ShardOwner { NodeID = 4 }) } });
        var group = Marked(new ShardGroupInfo { ID = 5, StartTime = -100, EndTime = 100, DeletedAt = 0, TruncatedAt = 50, Shards = { shard } });
        var policy = Marked(new RetentionPolicyInfo
        {
            Name = "rp", Duration = 0, ShardGroupDuration = 200, ReplicaN = 2, ShardGroups = { group }, FutureWriteLimit = 1,
            Subscriptions = { Marked(new SubscriptionInfo { Name = "s", Mode = "ALL", Destinations = { "udp://x:1" } }) },
        });
        return Marked(new Data
        {
            Term = 1, Index = 2, ClusterID = 3, MaxNodeID = 4, MaxShardGroupID = 5, MaxShardID = 7,
            Databases =
            {
                Marked(new DatabaseInfo
                {
                    Name = "db", DefaultRetentionPolicy = "rp", RetentionPolicies = { policy },
                    ContinuousQueries = { Marked(new ContinuousQueryInfo { Name = "q", Query = "CREATE" }) },
                }),
            },
            Users = { Marked(new UserInfo { Name = "u", Hash = "h", Admin = true, Privileges = { Marked(new UserPrivilege { Database = "db", Privilege = 3 }) } }) },
            DataNodes = { Marked(new NodeInfo { ID = 4, Host = "a:8086" }) },
            MetaNodes = { Marked(new NodeInfo { ID = 1, Host = "b:8091" }) },
        });
    }

    /// <summary>The message with field 1000 added, which holds the message's own name.</summary>
    private static T Marked<T>(T message)
        where T : IMessage<T>
    {
        var marker = Encoding.ASCII.GetBytes("unknown-" + typeof(T).Name);
        byte[] field = [0xc2, 0x3e, (byte)marker.Length, .. marker];
        return (T)message.Descriptor.Parser.ParseFrom([.. message.ToByteArray(), .. field]);
    }

    private static IEnumerable<IMessage> Tree(IMessage root) => root.Descriptor.Fields.InDeclarationOrder()
        .Where(f => f.FieldType == FieldType.Message)
        .SelectMany(f => ((System.Collections.IEnumerable)f.Accessor.GetValue(root)).Cast<IMessage>())
        .SelectMany(Tree)
        .Prepend(root);

    [Fact]
    public void Fields_that_nobody_knows_survive_reading_changing_and_writing_at_every_level()
    {
        var data = ServerMetadata.Parse(Everything().ToByteArray(), "the test").Data;
        data.Databases[0].Name = "renamed";
        data.Databases[0].RetentionPolicies[0].Duration = 99;
        data.Databases[0].RetentionPolicies[0].ShardGroups[0].Shards[0].ID = 12;
        data.Users[0].Hash = "other";
        var written = Encoding.Latin1.GetString(data.ToByteArray());

        var kinds = Tree(Everything()).Select(m => m.Descriptor.Name).Distinct().ToList();
        Assert.Equal(11, kinds.Count);
        Assert.All(kinds, kind => Assert.Contains("unknown-" + kind, written, StringComparison.Ordinal));
        Assert.Contains("renamed", written, StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_for_a_restore_keeps_unknown_fields_of_what_it_copies()
    {
        var created = RestoreMetadata.Create(new ServerMetadata(Everything()), ["db"], [], new HashSet<ulong> { 7 }, "new", null);
        var written = Encoding.Latin1.GetString(created.ToByteArray());
        Assert.Contains("unknown-RetentionPolicyInfo", written, StringComparison.Ordinal);
        Assert.Contains("unknown-ShardGroupInfo", written, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_read_and_written_unchanged_has_the_same_bytes()
    {
        var bytes = Everything().ToByteArray();
        Assert.Equal(bytes, ServerMetadata.Parse(bytes, "the test").Data.ToByteArray());
    }

    [Fact]
    public void Every_required_field_that_is_missing_is_found_at_every_level()
    {
        static IEnumerable<(IMessage Message, FieldDescriptor Field)> Required(Data data) =>
            Tree(data).SelectMany(m => m.Descriptor.Fields.InDeclarationOrder().Where(f => f.IsRequired).Select(f => (m, f)));

        var count = Required(Everything()).Count();
        Assert.Equal(29, count);
        for (var i = 0; i < count; i++)
        {
            var data = Everything();
            var (message, field) = Required(data).ElementAt(i);
            field.Accessor.Clear(message);
            var error = Assert.Throws<InfluxBackupException>(() => ServerMetadata.Parse(data.ToByteArray(), "the test"));
            Assert.Equal("MetadataDamaged", error.Id);
            Assert.Contains("the test", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The last fields of the message are required numbers, so no cut can pass.</summary>
    [Fact]
    public void Metadata_cut_at_any_byte_are_refused()
    {
        var bytes = Sets.Metadata(Sets.Key(1), Sets.Key(2)).ToByteArray();
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal("MetadataDamaged", Assert.Throws<InfluxBackupException>(() => ServerMetadata.Parse(bytes.AsMemory(0, length), "the test")).Id);
        }
    }

    [Fact]
    public void A_shard_is_found_with_its_group_and_owners()
    {
        var metadata = new ServerMetadata(Everything());
        var found = metadata.FindShard(7)!;
        Assert.Equal((new ShardKey("db", "rp", 7), -100L, 100L, false), (found.Key, found.Start, found.End, found.IsDeleted));
        Assert.Equal([4UL], found.Owners);
        Assert.Null(metadata.FindShard(8));
        Assert.Null(metadata.FindDatabase("DB"));
        Assert.Equal("db", metadata.FindDatabase("db")!.Name);
    }

    [Fact]
    public void Owners_as_the_oldest_servers_wrote_them_win()
    {
        var data = Everything();
        data.Databases[0].RetentionPolicies[0].ShardGroups[0].Shards[0].OwnerIDs.Add([8UL, 9UL]);
        Assert.Equal([8UL, 9UL], new ServerMetadata(data).FindShard(7)!.Owners);
    }

    [Fact]
    public void Real_metadata_are_read_and_written_byte_for_byte()
    {
        foreach (var server in new[] { "1.6.7-inmem", "1.6.7-tsi1", "1.11.8-tsi1" })
        {
            var path = Directory.GetFiles(TestData.Golden(server), "*.meta").Single();
            var bytes = MetaFileWrapper.Parser.ParseFrom(File.ReadAllBytes(path)).Data;
            var metadata = ServerMetadata.Parse(bytes.Memory, path);
            Assert.Equal(bytes, metadata.Data.ToByteString());
            Assert.NotNull(metadata.FindDatabase("dotted.db-1 größe"));
        }
    }
}
