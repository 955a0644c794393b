using Google.Protobuf;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class MetastoreUpdateTests
{
    [Fact]
    public async Task Groups_and_shards_are_renumbered_above_the_highest_ids_and_owners_cleared()
    {
        await using var test = await TestNode.SampleAsync();
        var highest = test.Node.Metadata.Read();
        var upload = Upload(("src", "rp", [40, 7]));
        var map = await ImportAsync(test.Node, upload, "src", "copy");
        Assert.Equal(new Dictionary<ulong, ulong> { [40] = highest.MaxShardID + 1, [7] = highest.MaxShardID + 2 }, map);

        var now = test.Node.Metadata.Read();
        var groups = now.Databases.Single(d => d.Name == "copy").RetentionPolicies.Single().ShardGroups;
        Assert.Equal([highest.MaxShardGroupID + 1, highest.MaxShardGroupID + 2], groups.Select(g => g.ID));
        Assert.All(groups.SelectMany(g => g.Shards), s => Assert.Empty(s.Owners));
        Assert.Equal(highest.Index + 1, now.Index);
    }

    [Fact]
    public async Task The_new_shards_exist_at_once_and_are_empty()
    {
        await using var test = await TestNode.EmptyAsync();
        await ImportAsync(test.Node, Upload(("src", "rp", [5])), "src");
        Assert.Equal(new byte[1024], (await ShardBackupTests.BackupAsync(test.Node, 1)).Bytes);
        Assert.True(Directory.Exists(Path.Combine(test.Node.DataDirectory, "src", "rp", "1")));
    }

    [Fact]
    public async Task Without_a_name_all_databases_but_internal_are_imported_under_their_own_names()
    {
        await using var test = await TestNode.EmptyAsync();
        var map = await ImportAsync(test.Node, Upload(("_internal", "monitor", [1]), ("a", "rp", [2]), ("b", "rp", [3])), "", "ignored", "ignored", "ignored");
        Assert.Equal([2UL, 3], map.Keys.Order().ToList());
        Assert.Equal(["a", "b"], test.Node.Metadata.Read().Databases.Select(d => d.Name));
        await ImportAsync(test.Node, Upload(("_internal", "monitor", [1])), "_internal");
        Assert.Contains(test.Node.Metadata.Read().Databases, d => d.Name == "_internal");
    }

    [Fact]
    public async Task One_policy_is_renamed_and_becomes_the_default()
    {
        await using var test = await TestNode.EmptyAsync();
        var upload = Upload(("src", "one", [1]));
        upload.Databases[0].RetentionPolicies.Add(Policy("two", 2));
        await ImportAsync(test.Node, upload, "src", "dst", "two", "zwei");
        var database = test.Node.Metadata.Read().Databases.Single();
        Assert.Equal(("dst", "zwei", "zwei"), (database.Name, database.DefaultRetentionPolicy, Assert.Single(database.RetentionPolicies).Name));
    }

    [Fact]
    public async Task Users_and_continuous_queries_stay_behind_and_subscriptions_come_along()
    {
        await using var test = await TestNode.EmptyAsync();
        var upload = Upload(("src", "rp", [1]));
        upload.Users.Add(new UserInfo { Name = "u", Hash = "h", Admin = true });
        upload.Databases[0].ContinuousQueries.Add(new ContinuousQueryInfo { Name = "q", Query = "CREATE" });
        upload.Databases[0].RetentionPolicies[0].Subscriptions.Add(new SubscriptionInfo { Name = "s", Mode = "ALL" });
        await ImportAsync(test.Node, upload, "src");
        var now = test.Node.Metadata.Read();
        Assert.Empty(now.Users);
        Assert.Empty(now.Databases[0].ContinuousQueries);
        Assert.Single(now.Databases[0].RetentionPolicies[0].Subscriptions);
    }

    [Theory]
    [InlineData("demo", "", "")]
    [InlineData("src", "demo", "")]
    [InlineData("nosuch", "", "")]
    [InlineData("src", "", "nosuch")]
    [InlineData("", "", "")]
    public async Task A_refusal_has_no_pairs_and_changes_nothing(string database, string newDatabase, string policy)
    {
        await using var test = await TestNode.SampleAsync();
        var before = test.Node.Metadata.ReadBytes();
        var upload = Upload(("src", "rp", [1]), ("demo", "rp", [2]));
        Assert.Empty(await ImportAsync(test.Node, upload, database, newDatabase, policy));
        Assert.Equal(before, test.Node.Metadata.ReadBytes());
        Assert.Single(test.Node.Log);
    }

    [Fact]
    public async Task What_is_no_metadata_has_no_pairs()
    {
        await using var test = await TestNode.EmptyAsync();
        foreach (var payload in new[] { Array.Empty<byte>(), "rubbish"u8.ToArray(), [0x08, 0x00] })
        {
            var answer = await RawClient.AskAsync(test.Node, new SnapshotterRequest(SnapshotterRequestType.MetastoreUpdate) { UploadSize = payload.Length }.ToBytes(payload));
            Assert.Equal(16, answer.Bytes.Length);
            Assert.Empty(ShardIdMap.Parse(answer.Bytes, "test"));
        }
    }

    [Fact]
    public async Task A_database_without_shards_is_created_and_the_answer_looks_like_a_refusal()
    {
        await using var test = await TestNode.EmptyAsync();
        Assert.Empty(await ImportAsync(test.Node, Upload(("src", "rp", [])), "src"));
        Assert.Equal("src", Assert.Single(test.Node.Metadata.Read().Databases).Name);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public async Task The_single_read_of_old_servers_loses_what_arrives_later(bool singleRead, int pairs)
    {
        await using var test = await TestNode.EmptyAsync(o => o with { SingleReadUpload = singleRead });
        var request = Request(Upload(("src", "rp", [1])), "src");
        using var client = RawClient.Connect(test.Node);
        client.Send(request.AsSpan(0, request.Length - 40)); // goes with the JSON
        await Task.Delay(100);
        client.Send(request.AsSpan(request.Length - 40, 20)); // the single read
        await Task.Delay(100);
        client.Send(request.AsSpan(request.Length - 20)); // too late
        var answer = await client.ReadToEndAsync();
        Assert.Equal(pairs, test.Node.Metadata.Read().Databases.Count);
        if (!answer.WasReset)
        {
            Assert.Equal(pairs, ShardIdMap.Parse(answer.Bytes, "test").Count);
        }
    }

    [Fact]
    public async Task Small_metadata_in_one_write_pass_the_single_read()
    {
        await using var test = await TestNode.EmptyAsync(o => o with { SingleReadUpload = true });
        Assert.Single(await ImportAsync(test.Node, Upload(("src", "rp", [1])), "src"));
    }

    internal static Data Upload(params (string Database, string Policy, ulong[] Shards)[] databases)
    {
        var data = new Data { Term = 1, Index = 2, ClusterID = 3, MaxNodeID = 0, MaxShardGroupID = 0, MaxShardID = 0 };
        foreach (var (database, policy, shards) in databases)
        {
            var info = new DatabaseInfo { Name = database, DefaultRetentionPolicy = policy };
            info.RetentionPolicies.Add(Policy(policy, shards));
            data.Databases.Add(info);
        }

        return data;
    }

    internal static byte[] Request(Data upload, string database, string newDatabase = "", string policy = "", string newPolicy = "")
    {
        var payload = upload.ToByteArray();
        return new SnapshotterRequest(SnapshotterRequestType.MetastoreUpdate)
        {
            BackupDatabase = database,
            RestoreDatabase = newDatabase,
            BackupRetentionPolicy = policy,
            RestoreRetentionPolicy = newPolicy,
            UploadSize = payload.Length,
        }.ToBytes(payload);
    }

    internal static async Task<IReadOnlyDictionary<ulong, ulong>> ImportAsync(
        EmulatedDataNode node, Data upload, string database, string newDatabase = "", string policy = "", string newPolicy = "") =>
        ShardIdMap.Parse((await RawClient.AskAsync(node, Request(upload, database, newDatabase, policy, newPolicy))).Bytes, "test");

    private static RetentionPolicyInfo Policy(string name, params ulong[] shards)
    {
        var policy = new RetentionPolicyInfo { Name = name, Duration = 0, ShardGroupDuration = 86_400_000_000_000, ReplicaN = 1 };
        foreach (var id in shards)
        {
            var group = new ShardGroupInfo { ID = id + 100, StartTime = (long)id, EndTime = (long)id + 1, DeletedAt = 0 };
            group.Shards.Add(new ShardInfo { ID = id, Owners = { new ShardOwner { NodeID = 4 } } });
            policy.ShardGroups.Add(group);
        }

        return policy;
    }
}
