using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

public sealed class MetastoreBackupTests
{
    [Fact]
    public async Task The_answer_is_meta_db_in_its_frame_and_a_null_node()
    {
        await using var test = await TestNode.SampleAsync();
        var answer = await RawClient.AskAsync(test.Node, new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup));
        var backup = MetastoreBackup.Parse(answer.Bytes, "test");
        Assert.Equal(File.ReadAllBytes(Path.Combine(test.Directory, "meta", "meta.db")), backup.Metadata.ToArray());
        Assert.Equal("null\n"u8.ToArray(), backup.Node.ToArray());
        Assert.False(answer.WasReset);
    }

    [Fact]
    public async Task An_empty_object_is_a_request_and_the_type_in_the_json_does_not_count()
    {
        await using var test = await TestNode.EmptyAsync();
        foreach (var json in new[] { "{}\n", "{\"Type\":5,\"unknown\":[1,{}]}\n" })
        {
            var answer = await RawClient.AskAsync(test.Node, [3, 1, .. System.Text.Encoding.UTF8.GetBytes(json)]);
            Assert.True(MetastoreBackup.HasMagic(answer.Bytes));
        }
    }

    [Fact]
    public async Task A_new_node_has_the_metadata_of_a_fresh_server()
    {
        await using var test = await TestNode.EmptyAsync();
        var data = test.Node.Metadata.Read();
        Assert.Equal((0UL, 1UL, 0UL, 0UL, 0UL), (data.Term, data.Index, data.MaxNodeID, data.MaxShardGroupID, data.MaxShardID));
    }

    [Fact]
    public async Task Edited_metadata_are_sent_and_survive_a_restart()
    {
        await using var test = await TestNode.EmptyAsync();
        test.Node.Metadata.Edit(d => d.Databases.Add(new DatabaseInfo { Name = "new", DefaultRetentionPolicy = "" }));
        await test.Node.RestartAsync();
        var answer = await RawClient.AskAsync(test.Node, new SnapshotterRequest(SnapshotterRequestType.MetastoreBackup));
        var data = Data.Parser.ParseFrom(MetastoreBackup.Parse(answer.Bytes, "test").Metadata.Span);
        Assert.Equal(["new"], data.Databases.Select(d => d.Name));
        Assert.Equal(2UL, data.Index);
    }

    [Fact]
    public async Task An_edit_that_throws_changes_nothing()
    {
        await using var test = await TestNode.SampleAsync();
        var before = test.Node.Metadata.ReadBytes();
        Assert.Throws<InvalidOperationException>(() => test.Node.Metadata.Edit(d =>
        {
            d.Databases.Clear();
            throw new InvalidOperationException();
        }));
        Assert.Equal(before, test.Node.Metadata.ReadBytes());
    }
}
