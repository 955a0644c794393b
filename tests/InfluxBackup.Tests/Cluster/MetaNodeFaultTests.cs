using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using static InfluxBackup.Tests.Cluster.MetaNodeClientTests;

namespace InfluxBackup.Tests.Cluster;

/// <summary>Nodes that are down, lead no more, are something else, or do not want us.</summary>
public sealed class MetaNodeFaultTests
{
    private static readonly MetaNodeOptions Options = new() { Timeout = TimeSpan.FromSeconds(10), Patience = TimeSpan.FromSeconds(5) };

    private static readonly MetaCommand Command = MetaCommand.CreateDatabase("d");

    [Fact]
    public async Task One_of_several_nodes_may_be_down()
    {
        await using var node = new MetaNodeStub(r => r.Target.StartsWith("/?", StringComparison.Ordinal) ? MetadataAt(34) : Captured("show-cluster.json"));
        using var client = Client(Options, MetaNodeStub.Nobody(), node.Address);

        Assert.Equal(3, (await client.ReadNodesAsync(default)).DataNodes.Count);
        Assert.Equal(34ul, (await client.ReadMetadataAsync(default)).Index);
    }

    [Fact]
    public async Task When_all_are_down_each_is_named()
    {
        MetaNodeAddress[] nodes = [MetaNodeStub.Nobody(), MetaNodeStub.Nobody()];
        using var client = Client(Options, nodes);

        var error = await FailAsync(client.ReadNodesAsync(default));

        Assert.Equal("MetaNodeUnreachable", error.Id);
        Assert.All(nodes, n => Assert.Contains(n.ToString(), error.Message, StringComparison.Ordinal));
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task A_follower_sends_us_to_the_leader_with_our_credential()
    {
        await using var leader = new MetaNodeStub(_ => MetaStubAnswer.Done(40));
        await using var follower = new MetaNodeStub(_ => MetaStubAnswer.Redirect(leader, "/execute"));
        using var client = Client(Options with { Credential = new InfluxCredential("root", "p") }, follower.Address);

        Assert.Equal(40ul, await client.ExecuteAsync(Command, default));
        Assert.Equal(40ul, await client.ExecuteAsync(Command, default));

        var asked = follower.Requests.Single();
        Assert.Equal(2, leader.Requests.Count);
        Assert.All(leader.Requests, r => Assert.Equal(("POST", asked.Authorization), (r.Method, r.Authorization)));
        Assert.All(leader.Requests, r => Assert.Equal(asked.Body, r.Body));
    }

    [Fact]
    public async Task Nodes_that_send_us_round_and_round_are_left()
    {
        MetaNodeStub? first = null;
        await using var second = new MetaNodeStub(_ => MetaStubAnswer.Redirect(first!, "/execute"));
        await using var one = first = new MetaNodeStub(_ => MetaStubAnswer.Redirect(second, "/execute"));
        using var client = Client(Options with { Patience = TimeSpan.FromMilliseconds(300) }, one.Address);

        Assert.Equal("NoLeader", (await FailAsync(client.ExecuteAsync(Command, default))).Id);
        Assert.InRange(one.Requests.Count, 1, 20);
    }

    [Fact]
    public async Task A_leader_is_waited_for()
    {
        var asked = 0;
        await using var node = new MetaNodeStub(_ => Interlocked.Increment(ref asked) < 4 ? MetaStubAnswer.NoLeader : MetaStubAnswer.Done(40));
        using var client = Client(Options, node.Address);

        Assert.Equal(40ul, await client.ExecuteAsync(Command, default));
    }

    [Fact]
    public async Task But_not_for_ever()
    {
        await using var node = new MetaNodeStub(_ => MetaStubAnswer.NoLeader);
        using var client = Client(Options with { Patience = TimeSpan.FromMilliseconds(300) }, node.Address);

        var error = await FailAsync(client.ExecuteAsync(Command, default));

        Assert.Equal(("NoLeader", ErrorKind.Busy, true), (error.Id, error.Kind, error.IsTransient));
    }

    [Fact]
    public async Task While_the_old_leader_is_still_named_the_next_one_is_waited_for()
    {
        var dead = MetaNodeStub.Nobody();
        var asked = 0;
        await using var follower = new MetaNodeStub(_ =>
            Interlocked.Increment(ref asked) < 3 ? new MetaStubAnswer(307, [], Location: $"http://{dead}/execute") : MetaStubAnswer.Done(41));
        using var client = Client(Options, dead, follower.Address);

        Assert.Equal(41ul, await client.ExecuteAsync(Command, default));
    }

    [Fact]
    public async Task A_leader_that_can_not_be_reached_under_its_name_is_named()
    {
        var dead = MetaNodeStub.Nobody();
        await using var follower = new MetaNodeStub(_ => new MetaStubAnswer(307, [], Location: $"http://{dead}/execute"));
        using var client = Client(Options with { Patience = TimeSpan.FromMilliseconds(300) }, follower.Address);

        var error = await FailAsync(client.ExecuteAsync(Command, default));

        Assert.Contains($"{follower.Address} names {dead} as the leader", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("leadership lost while committing log")]
    [InlineData("raft is already shutdown")]
    public async Task A_command_whose_leader_went_in_the_middle_is_given_again(string how)
    {
        var asked = 0;
        await using var node = new MetaNodeStub(_ => Interlocked.Increment(ref asked) > 1 ? MetaStubAnswer.Done(41)
            : how == "lost" ? MetaStubAnswer.Lost
            : MetaStubAnswer.Refused(how));
        using var client = Client(Options, node.Address);

        Assert.Equal(41ul, await client.ExecuteAsync(Command, default));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task A_user_that_the_lost_first_try_created_counts_as_created()
    {
        var user = new UserInfo { Name = "new", Hash = "$2a$10$x", Admin = false };
        var asked = 0;
        await using var node = new MetaNodeStub(r => r.Method == "GET" ? MetadataAt(41, user: user)
            : Interlocked.Increment(ref asked) == 1 ? MetaStubAnswer.Lost
            : MetaStubAnswer.Refused("user already exists"));
        using var client = Client(Options, node.Address);

        await client.ExecuteAsync(MetaCommand.CreateUser("new", "$2a$10$x", false), default);

        var error = await FailAsync(client.ExecuteAsync(MetaCommand.CreateUser("new", "$2a$10$other", false), default));
        Assert.Equal(("MetaCommandRefused", ErrorKind.Exists), (error.Id, error.Kind));
        Assert.DoesNotContain("$2a$", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.11.3-c1.11.3")]
    [InlineData("1.8.11")]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_cluster_whose_commands_are_not_known_is_sent_none(string? version)
    {
        await using var node = new MetaNodeStub(_ => Captured("show-cluster.json") with { Version = version }) { AnswersAll = true };
        using var client = Client(Options, node.Address);

        var error = await FailAsync(client.ExecuteAsync(Command, default));

        Assert.Equal(("MetaCommandsUnknown", ErrorKind.Unsupported), (error.Id, error.Kind));
        Assert.Contains("Import-InfluxLineProtocol", error.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain(node.Requests, r => r.Method == "POST");
    }

    [Fact]
    public async Task One_meta_node_of_another_kind_is_enough_to_send_none()
    {
        var mixed = MetaStubAnswer.Text("""{"data":null,"meta":[{"id":1,"addr":"a:8091","version":"1.8.11-c1.2.0"},{"id":2,"addr":"b:8091","version":"1.11.3-c1.11.3"}]}""");
        await using var node = new MetaNodeStub(_ => mixed) { AnswersAll = true };
        using var client = Client(Options, node.Address);

        var error = await FailAsync(client.ExecuteAsync(Command, default));

        Assert.Equal("MetaCommandsUnknown", error.Id);
        Assert.Contains("b:8091", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_would_end_the_cluster_does_not_leave_the_house()
    {
        await using var node = new MetaNodeStub(_ => MetaStubAnswer.Done(1));
        using var client = Client(Options, node.Address);
        MetaCommand[] deadly =
        [
            new(),
            new() { Type = (MetaCommandType)7 },
            new() { Type = MetaCommandType.CreateDatabase },
            new() { Type = MetaCommandType.CreateDatabase, CreateDatabaseCommand = new() },
            new() { Type = MetaCommandType.CreateDatabase, SetPrivilegeCommand = new() { Username = "u", Database = "d", Privilege = 1 } },
            MetaCommand.CreateRetentionPolicy("d", new RetentionPolicyInfo { Name = "without its durations" }),
        ];

        foreach (var command in deadly)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => client.ExecuteAsync(command, default));
        }

        Assert.Empty(node.Requests);
    }

    [Fact]
    public async Task A_refusal_has_the_words_of_the_server()
    {
        await using var node = new MetaNodeStub(_ => MetaStubAnswer.Refused("database not found: nodb"));
        using var client = Client(Options, node.Address);

        var error = await FailAsync(client.ExecuteAsync(MetaCommand.CreateShardGroup("nodb", "p", 0), default));

        Assert.Equal(("MetaCommandRefused", ErrorKind.NotFound), (error.Id, error.Kind));
        Assert.Contains("database not found: nodb", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("signature is invalid", "shared secret")]
    [InlineData("authorization failed", "password")]
    [InlineData("bearer auth disabled", "user and password")]
    public async Task A_refused_login_says_why_and_tells_no_secret(string why, string remedy)
    {
        await using var node = new MetaNodeStub(_ => MetaStubAnswer.Error(401, why)) { AnswersAll = true };
        using var client = Client(Options with { SharedSecret = new SharedSecret("s3cret"), Credential = new InfluxCredential("root", "pa55") }, node.Address);

        var error = await FailAsync(client.ReadNodesAsync(default));

        Assert.Equal(("LoginRefused", ErrorKind.Security), (error.Id, error.Kind));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, error.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error + error.FullMessage, StringComparison.Ordinal);
        Assert.DoesNotContain("pa55", error + error.FullMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404, "404 page not found", "1.8.11-c1.2.0", "HTTP API of a data node")]
    [InlineData(204, "", "1.6.7", "HTTP API of a data node")]
    [InlineData(200, "", null, "backup port of a data node")]
    [InlineData(200, "<html>hello</html>", null, "does not answer as a meta node")]
    public async Task What_is_no_meta_node_is_told_apart(int status, string body, string? version, string words)
    {
        await using var node = new MetaNodeStub(_ => new MetaStubAnswer(status, System.Text.Encoding.UTF8.GetBytes(body), MetaIndex: null, Version: version)) { AnswersAll = true };
        using var client = Client(Options, node.Address);
        Func<Task>[] requests =
        [
            () => client.ReadMetadataAsync(default), () => client.ReadNodesAsync(default), () => client.ReadShardsAsync(true, default),
            () => client.ReadLeaderAsync(default), () => client.TryTakeLeaseAsync("l", 1, default), () => client.ExecuteAsync(Command, default),
        ];

        foreach (var request in requests)
        {
            var error = await FailAsync(request());
            Assert.Equal("NotAMetaNode", error.Id);
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
            Assert.Contains("8091", error.Remedy, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_certificate_than_a_valid_one_is_refused_unless_that_was_asked_for()
    {
        foreach (var expired in new[] { false, true })
        {
            using var certificate = MetaNodeStub.Certificate(expired);
            await using var node = new MetaNodeStub(_ => Captured("show-cluster.json"), certificate) { AnswersAll = true };
            using var careful = Client(Options with { UseTls = true }, node.Address);
            using var careless = Client(Options with { UseTls = true, SkipCertificateCheck = true }, node.Address);

            var error = await FailAsync(careful.ReadNodesAsync(default));

            Assert.Equal(("TlsFailed", ErrorKind.Security), (error.Id, error.Kind));
            Assert.Equal(expired, error.Message.Contains("expired on", StringComparison.Ordinal));
            Assert.Equal(3, (await careless.ReadNodesAsync(default)).DataNodes.Count);
        }
    }

    [Fact]
    public async Task Tls_to_a_node_without_it_fails_clearly()
    {
        await using var node = new MetaNodeStub(_ => Captured("show-cluster.json")) { AnswersAll = true };
        using var client = Client(Options with { UseTls = true }, node.Address);

        Assert.Equal("TlsFailed", (await FailAsync(client.ReadNodesAsync(default))).Id);
    }

    [Fact]
    public async Task A_node_that_wants_tls_says_so()
    {
        await using var node = new MetaNodeStub(_ => new MetaStubAnswer(400, "Client sent an HTTP request to an HTTPS server.\n"u8.ToArray(), null, Version: null)) { AnswersAll = true };
        using var client = Client(Options, node.Address);

        Assert.Equal("TlsRequired", (await FailAsync(client.ReadNodesAsync(default))).Id);
    }

    [Fact]
    public async Task A_silent_node_is_given_up_after_the_time_given()
    {
        var forever = new TaskCompletionSource<MetaStubAnswer>();
        await using var node = new MetaNodeStub(_ => forever.Task) { AnswersAll = true };
        using var client = Client(Options with { Timeout = TimeSpan.FromMilliseconds(200) }, node.Address);

        Assert.Equal("MetaNodeTimeout", (await FailAsync(client.ReadNodesAsync(default))).Id);
        forever.SetResult(MetaStubAnswer.Lost);
    }

    [Fact]
    public async Task Waiting_ends_when_the_caller_cancels()
    {
        await using var node = new MetaNodeStub(_ => MetaStubAnswer.NoLeader);
        using var client = Client(Options with { Patience = TimeSpan.FromMinutes(5) }, node.Address);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ExecuteAsync(Command, cancel.Token).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    private static Task<InfluxBackupException> FailAsync(Task task) => Assert.ThrowsAsync<InfluxBackupException>(() => task);
}
