using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class ShardInfoTests
{
    [Fact]
    public async Task An_empty_name_lists_all_shards_in_the_order_of_the_metadata()
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await DatabaseAsync(test.Node, "");
        var shards = ShardPathList.Parse(answer.Bytes, "test");
        Assert.Equal(8, shards.Count);
        Assert.Equal([1UL, 2, 3, 4], shards.Take(4).Select(s => s.Id).ToList());
        Assert.Contains(shards, s => s.Path == "Wetter Köln/Messwerte für später/7");
        Assert.Equal((byte)'\n', answer.Bytes[^1]);
    }

    [Fact]
    public async Task A_policy_lists_its_own_shards()
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await PolicyAsync(test.Node, "demo", "long term");
        Assert.Equal(["demo/long term/5", "demo/long term/6"], ShardPathList.Parse(answer.Bytes, "test").Select(s => s.Path).Order());
    }

    [Fact]
    public async Task No_shards_are_null_and_not_an_empty_list()
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await PolicyAsync(test.Node, "Wetter Köln", "autogen");
        Assert.Equal("{\"Paths\":null}\n"u8.ToArray(), answer.Bytes);
    }

    [Theory]
    [InlineData("nosuch", null)]
    [InlineData("nosuch", "daily")]
    [InlineData("demo", "nosuch")]
    [InlineData("", "daily")]
    public async Task What_is_unknown_is_not_answered(string database, string? policy)
    {
        await using var test = await TestNode.SampleAsync();
        var answer = policy is null ? await DatabaseAsync(test.Node, database) : await PolicyAsync(test.Node, database, policy);
        Assert.Empty(answer.Bytes);
        Assert.False(answer.WasReset);
        Assert.Contains(test.Node.Log, line => line.Contains("not found", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shard_without_a_directory_or_with_an_unreadable_name_is_left_out()
    {
        await using var test = await TestNode.SampleAsync();
        Directory.Delete(Path.Combine(test.Node.DataDirectory, "demo", "daily", "2"), recursive: true);
        File.WriteAllText(Path.Combine(test.Node.DataDirectory, "demo", "daily", "3", "abc.tsm"), "");
        var shards = ShardPathList.Parse((await DatabaseAsync(test.Node, "demo")).Bytes, "test");
        Assert.Equal([1UL, 4, 5, 6], shards.Select(s => s.Id).Order().ToList());
    }

    private static Task<Answer> DatabaseAsync(EmulatedDataNode node, string name) =>
        RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.DatabaseInfo) { BackupDatabase = name });

    private static Task<Answer> PolicyAsync(EmulatedDataNode node, string database, string policy) =>
        RawClient.AskAsync(node, new SnapshotterRequest(SnapshotterRequestType.RetentionPolicyInfo) { BackupDatabase = database, BackupRetentionPolicy = policy });
}
