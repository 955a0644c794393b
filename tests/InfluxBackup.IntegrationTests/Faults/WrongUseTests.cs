using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Faults;

/// <summary>Wrong use is told apart, and the error says what to do.</summary>
public sealed class WrongUseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task The_port_of_the_http_api_is_recognised()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        var error = await FailAsync(new ServerAccess { DataNode = DataNodeAddress.Parse(server.HttpAddress.Authority) });
        Assert.Equal("HttpPortGiven", error.Id);
        Assert.Contains("8088", error.FullMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_http_server_is_recognised()
    {
        await using var node = await SampleNode.StartAsync(change: o => o with { Kind = EmulatedNodeKind.HttpPort });
        Assert.Equal("HttpPortGiven", (await FailAsync(node.Access)).Id);
    }

    [Fact]
    public async Task A_server_of_the_old_generation_is_recognised()
    {
        await using var node = await SampleNode.StartAsync(change: o => o with { Kind = EmulatedNodeKind.Server14 });
        var error = await FailAsync(node.Access);
        Assert.Equal("ServerTooOld", error.Id);
        Assert.Contains("1.4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_listening_is_said_with_the_address()
    {
        await using var node = await SampleNode.StartAsync();
        var access = node.Access;
        await node.Node.KillAsync();
        var error = await FailAsync(access);
        Assert.Equal("DataNodeUnreachable", error.Id);
        Assert.Contains(access.DataNode.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Contains("bind-address", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_host_does_not_hold_us_for_ever()
    {
        await using var node = await SampleNode.StartAsync();
        node.Faults.Add(Fault.Stall(), SnapshotterRequestType.MetastoreBackup);
        Assert.Equal("DataNodeTimeout", (await FailAsync(node.Access)).Id);
    }

    [Fact]
    public async Task Tls_works_where_the_certificate_is_accepted_and_says_so_where_it_is_not()
    {
        await using var node = await SampleNode.StartAsync(change: o => o with { UseTls = true });
        var trusting = node.Access with { Connection = node.Access.Connection with { UseTls = true, SkipCertificateCheck = true } };
        var strict = node.Access with { Connection = node.Access.Connection with { UseTls = true } };

        var result = await Engine.BackupAsync(node.Backup with { Server = trusting });
        await Engine.RestoreAsync(node.Restore(node.Set) with { Server = trusting, Selection = SampleNode.Weather, NewDatabase = "tls" });

        Assert.Equal(Transfer.Outcome.Complete, result.Outcome);
        Assert.Contains(node.Node.Metadata.Read().Databases, d => d.Name == "tls");
        Assert.Equal("TlsFailed", (await FailAsync(strict)).Id);
    }

    [Theory]
    [InlineData("nodb", null, 0UL, "DatabaseNotFound", "demo")]
    [InlineData("demo", "norp", 0UL, "RetentionPolicyNotFound", "long term")]
    [InlineData(null, null, 99UL, "ShardNotFound", "7")]
    [InlineData("demo", null, 7UL, "ShardNotFound", "Wetter Köln")]
    [InlineData(null, "daily", 0UL, "DatabaseRequired", "")]
    public async Task An_unknown_name_is_answered_with_those_that_exist(string? database, string? policy, ulong shard, string id, string word)
    {
        await using var node = await SampleNode.StartAsync();
        var selection = new ShardSelection
        {
            Databases = database is null ? [] : [database],
            RetentionPolicies = policy is null ? [] : [policy],
            ShardIds = shard == 0 ? [] : [shard],
        };
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.BackupAsync(node.Backup with { Selection = selection }));
        Assert.Equal(id, error.Id);
        Assert.Contains(word, error.FullMessage, StringComparison.Ordinal);
        Assert.False(Directory.Exists(node.Set));
    }

    [Fact]
    public async Task A_path_that_can_not_be_a_directory_is_named()
    {
        await using var node = await SampleNode.StartAsync();
        var file = node.Set + ".txt";
        await File.WriteAllTextAsync(file, "x", Cancel);
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.BackupAsync(node.Backup with { Path = Path.Combine(file, "set") }));
        Assert.Equal("PathNotWritable", error.Id);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_in_the_future_is_no_time_to_look_back_to()
    {
        await using var node = await SampleNode.StartAsync();
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.BackupAsync(node.Backup with { Since = DateTimeOffset.UtcNow.AddDays(1) }));
        Assert.Equal("SinceInFuture", error.Id);
        Assert.False(Directory.Exists(node.Set));
    }

    private static async Task<InfluxBackupException> FailAsync(ServerAccess access) =>
        await Assert.ThrowsAsync<InfluxBackupException>(() => new BackupOperation(new BackupOptions { Server = access, Path = "unused" }).PlanAsync(Cancel));
}
