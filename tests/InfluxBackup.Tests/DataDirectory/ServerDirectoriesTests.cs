using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.DataDirectory;

public sealed class ServerDirectoriesTests : IDisposable
{
    private readonly ServerTree tree = new();

    public void Dispose() => tree.Dispose();

    [Fact]
    public void Files_of_a_shard_are_listed_in_the_order_in_which_they_count()
    {
        var second = tree.Add("data/db/autogen/7/000000002-000000001.tsm", 20);
        var first = tree.Add("data/db/autogen/7/000000001-000000003.tsm", 30);
        var tombstone = tree.Add("data/db/autogen/7/000000001-000000003.tombstone", 5);
        tree.Add("data/db/autogen/7/fields.idx");
        tree.Add("data/db/autogen/7/fields.idxl");
        tree.Add("data/db/autogen/7/index/0/MANIFEST");
        tree.Add("data/db/autogen/7/000000003-000000001.tsm.tmp");
        tree.Add("data/db/autogen/7/12.tmp/000000001-000000003.tsm");
        tree.Add("data/db/_series/00/0000");
        var later = tree.Add("wal/db/autogen/7/_00011.wal", 2);
        var earlier = tree.Add("wal/db/autogen/7/_00002.wal", 0);

        var (shards, warnings) = ServerDirectories.Open(tree.Data, tree.Wal).ReadShards();

        Assert.Empty(warnings);
        var shard = Assert.Single(shards);
        Assert.Equal(new ShardKey("db", "autogen", 7), shard.Shard);
        Assert.Equal([first, second], shard.TsmFiles);
        Assert.Equal(tombstone, Assert.Single(shard.Tombstones).Value);
        Assert.Equal(tombstone, shard.Tombstones[first]);
        Assert.Equal([earlier, later], shard.WalSegments);
        Assert.Equal(20 + 30 + 5 + 2, shard.Bytes);
        Assert.Null(shard.Description);
    }

    [Fact]
    public void A_shard_in_one_directory_only_is_listed()
    {
        tree.Add("data/a/rp/1/000000001-000000001.tsm");
        tree.Add("wal/b/rp/2/_00001.wal");
        var both = ServerDirectories.Open(tree.Data, tree.Wal).ReadShards().Shards;
        Assert.Equal([("a", 1UL), ("b", 2UL)], both.Select(s => (s.Shard.Database, s.Shard.Id)));
        Assert.Equal("a", Assert.Single(ServerDirectories.Open(tree.Data, null).ReadShards().Shards).Shard.Database);
        Assert.Equal("b", Assert.Single(ServerDirectories.Open(null, tree.Wal).ReadShards().Shards).Shard.Database);
    }

    [Fact]
    public void What_is_left_out_is_named()
    {
        tree.Add("data/db/rp/1/000000001-000000001.tsm");
        tree.Add("data/db/rp/1/000000002-000000001.tsm.bad");
        tree.Add("data/db/rp/1/000000002-000000001.tombstone");
        tree.Add("data/db/rp/1/notes.txt");
        tree.Add("data/db/rp/one/000000001-000000001.tsm");
        tree.Add("data/db/rp/007/000000001-000000001.tsm");
        tree.Add("data/db/rp/4");
        var (shards, warnings) = ServerDirectories.Open(tree.Data, null).ReadShards();
        Assert.Single(Assert.Single(shards).TsmFiles);
        foreach (var left in new[] { "set aside as unreadable", "000000002-000000001.tombstone", "notes.txt", "one'", "007'", "before 0.11" })
        {
            Assert.Contains(warnings, w => w.Contains(left, StringComparison.Ordinal));
        }
        Assert.Equal(6, warnings.Count);
    }

    [Fact]
    public void A_selection_chooses_by_name_and_id_without_metadata()
    {
        tree.Add("data/a/rp/1/000000001-000000001.tsm");
        tree.Add("data/a/other/2/000000001-000000001.tsm");
        tree.Add("data/b/rp/3/000000001-000000001.tsm");
        var directories = ServerDirectories.Open(tree.Data, null);
        Assert.Equal([2UL, 1UL], Ids(new ShardSelection { Databases = ["a"] }));
        Assert.Equal([1UL], Ids(new ShardSelection { Databases = ["a"], RetentionPolicies = ["rp"] }));
        Assert.Equal([3UL], Ids(new ShardSelection { ShardIds = [3] }));
        Assert.Equal(3, Ids(new ShardSelection { Start = DateTimeOffset.UnixEpoch }).Count);
        Assert.Equal("DatabaseNotFound", Assert.Throws<InfluxBackupException>(() => Ids(new ShardSelection { Databases = ["c"] })).Id);
        var error = Assert.Throws<InfluxBackupException>(() => Ids(new ShardSelection { ShardIds = [4] }));
        Assert.Equal("ShardNotFound", error.Id);
        Assert.Contains("1, 3", error.Remedy, StringComparison.Ordinal);

        List<ulong> Ids(ShardSelection selection) => directories.ReadShards(selection).Shards.Select(s => s.Shard.Id).ToList();
    }

    [Fact]
    public void One_id_in_two_policies_is_two_shards()
    {
        tree.Add("data/a/rp/1/000000001-000000001.tsm");
        tree.Add("data/b/rp/1/000000001-000000001.tsm");
        var directories = ServerDirectories.Open(tree.Data, null);
        Assert.Equal(2, directories.ReadShards().Shards.Count);
        Assert.Equal("a", Assert.Single(directories.ReadShards(new ShardSelection { Databases = ["a"], ShardIds = [1] }).Shards).Shard.Database);
    }

    [Fact]
    public void With_metadata_only_what_queries_see_is_listed()
    {
        tree.Add("data/db/rp/1/000000001-000000001.tsm");
        tree.Add("data/db/rp/2/000000001-000000001.tsm");
        tree.Add("data/db/rp/9/000000001-000000001.tsm");
        Directory.CreateDirectory(tree.Meta);
        File.WriteAllBytes(Path.Combine(tree.Meta, "meta.db"), Google.Protobuf.MessageExtensions.ToByteArray(Metadata()));

        var directories = ServerDirectories.Open(tree.Data, null, tree.Meta);
        var (shards, warnings) = directories.ReadShards();
        var shard = Assert.Single(shards);
        Assert.Equal((1UL, 1000L), (shard.Shard.Id, shard.Description!.Start));
        Assert.Equal(2, warnings.Count);
        Assert.Contains(warnings, w => w.StartsWith("Shard 9 (db.rp) has a directory but is not in the metadata", StringComparison.Ordinal));
        Assert.Contains(warnings, w => w.StartsWith("Shard 3 (db.rp) is in the metadata but has no directory", StringComparison.Ordinal));
        Assert.Empty(directories.ReadShards(new ShardSelection { Start = DateTimeOffset.UnixEpoch.AddSeconds(1) }).Shards);
        Assert.Equal("ShardNotFound", Assert.Throws<InfluxBackupException>(() => directories.ReadShards(new ShardSelection { ShardIds = [2] })).Id);

        static Data Metadata() => new()
        {
            Term = 0, Index = 1, ClusterID = 1, MaxNodeID = 0, MaxShardGroupID = 3, MaxShardID = 3,
            Databases =
            {
                new DatabaseInfo
                {
                    Name = "db", DefaultRetentionPolicy = "rp",
                    RetentionPolicies =
                    {
                        new RetentionPolicyInfo
                        {
                            Name = "rp", Duration = 0, ShardGroupDuration = 1000, ReplicaN = 1,
                            ShardGroups = { Group(1, 0), Group(2, 5), Group(3, 0) },
                        },
                    },
                },
            },
        };

        static ShardGroupInfo Group(ulong id, long deletedAt) =>
            new() { ID = id, StartTime = (long)id * 1000, EndTime = ((long)id + 1) * 1000, DeletedAt = deletedAt, Shards = { new ShardInfo { ID = id } } };
    }

    [Fact]
    public void A_missing_directory_is_named()
    {
        var missing = Path.Combine(tree.Root, "nowhere");
        foreach (var (open, what) in new (Action, string)[]
        {
            (() => ServerDirectories.Open(missing, null), "The data directory"),
            (() => ServerDirectories.Open(null, missing), "The WAL directory"),
            (() => ServerDirectories.Open(tree.Root, null, missing), "meta directory"),
        })
        {
            var error = Assert.Throws<InfluxBackupException>(open);
            Assert.Equal(("DirectoryNotFound", ErrorKind.NotFound), (error.Id, error.Kind));
            Assert.Contains(what, error.Message, StringComparison.Ordinal);
            Assert.Contains(missing, error.Message, StringComparison.Ordinal);
            Assert.NotNull(error.Remedy);
        }
        Assert.Equal("DirectoryRequired", Assert.Throws<InfluxBackupException>(() => ServerDirectories.Open(null, null)).Id);
        Assert.Contains("is a file", Assert.Throws<InfluxBackupException>(() => ServerDirectories.Open(tree.Add("file"), null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_above_or_below_the_right_one_is_told()
    {
        tree.Add("data/db/30/1/000000001-000000001.tsm");
        tree.Add("wal/db/30/1/_00001.wal");
        tree.Add("meta/meta.db");
        foreach (var (data, wal, remedy) in new (string?, string?, string)[]
        {
            (tree.Root, null, $"Give '{tree.Data}'"),
            (null, tree.Root, $"Give '{tree.Wal}'"),
            (Path.Combine(tree.Data, "db"), null, $"Give '{tree.Data}'"),
            (Path.Combine(tree.Data, "db", "30"), null, $"Give '{tree.Data}'"),
            (null, Path.Combine(tree.Wal, "db"), $"Give '{tree.Wal}'"),
            (tree.Wal, tree.Data, "the other way round"),
            (tree.Wal, null, "the other way round"),
            (null, tree.Data, "the other way round"),
        })
        {
            var error = Assert.Throws<InfluxBackupException>(() => ServerDirectories.Open(data, wal).ReadShards());
            Assert.Equal("DirectoryMistaken", error.Id);
            Assert.Contains(remedy, error.Remedy, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_empty_server_has_no_shards_and_says_so()
    {
        Directory.CreateDirectory(tree.Data);
        var (shards, warnings) = ServerDirectories.Open(tree.Data, null).ReadShards();
        Assert.Empty(shards);
        Assert.Contains("There are no shards", Assert.Single(warnings), StringComparison.Ordinal);
    }
}
