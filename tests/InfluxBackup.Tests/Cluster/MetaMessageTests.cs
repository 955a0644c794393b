using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using InfluxBackup.Cluster;
using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.Cluster;

/// <summary>Bytes, held against those that real nodes took and sent.</summary>
public sealed class MetaMessageTests
{
    [Fact]
    public void A_command_is_the_bytes_that_a_meta_node_takes() =>
        Assert.Equal(
            "0809EA06110A02633112017218808" + "0D8D8D7C1C4E814",
            Convert.ToHexString(MetaCommand.CreateShardGroup("c1", "r", 1500000000000000000).ToByteArray()));

    [Fact]
    public void An_answer_of_a_meta_node_is_read()
    {
        var good = MetaResponse.Parser.ParseFrom(Convert.FromHexString("0800180F"));
        Assert.False(good.HasError);
        Assert.Equal(15ul, good.Index);

        var bad = MetaResponse.Parser.ParseFrom([0x08, 0x00, 0x12, 0x18, .. "database not found: nodb"u8]);
        Assert.Equal("database not found: nodb", bad.Error);
    }

    [Fact]
    public void A_policy_is_sent_without_its_shard_groups_and_stays_as_it_was()
    {
        var policy = new RetentionPolicyInfo { Name = "p", Duration = 1, ShardGroupDuration = 2, ReplicaN = 3 };
        policy.ShardGroups.Add(new ShardGroupInfo { ID = 1, StartTime = 0, EndTime = 1, DeletedAt = 0 });

        var command = MetaCommand.CreateDatabase("d", policy);

        Assert.Empty(command.CreateDatabaseCommand.RetentionPolicy.ShardGroups);
        Assert.Equal(3u, command.CreateDatabaseCommand.RetentionPolicy.ReplicaN);
        Assert.Single(policy.ShardGroups);
    }

    [Fact]
    public void No_description_of_a_command_has_a_hash_in_it()
    {
        Assert.Equal("create user 'u'", MetaCommand.CreateUser("u", "$2a$10$hash", true).Description);
    }

    [Theory]
    [InlineData("short", "")]
    [InlineData("s", "root")]
    [InlineData("a secret that is longer than the 128 bytes that a block of this hash has, so that the key itself is hashed first, as the rules of HMAC say it", "üser \"x\" y")]
    public void A_token_is_signed_over_its_claims_with_secrets_of_any_length(string secret, string user)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1_500_000_000);

        var parts = MetaToken.Create(new SharedSecret(secret), user, now).Split('.');

        Assert.Equal(3, parts.Length);
        using var header = JsonDocument.Parse(FromBase64Url(parts[0]));
        Assert.Equal("HS512", header.RootElement.GetProperty("alg").GetString());
        using var claims = JsonDocument.Parse(FromBase64Url(parts[1]));
        Assert.Equal(user, claims.RootElement.GetProperty("username").GetString());
        Assert.Equal(1_500_000_300, claims.RootElement.GetProperty("exp").GetInt64());
        using var hmac = new HMACSHA512(Encoding.UTF8.GetBytes(secret));
        Assert.Equal(hmac.ComputeHash(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}")), FromBase64Url(parts[2]));
    }

    [Fact]
    public void A_secret_is_not_printed_and_not_empty()
    {
        Assert.Equal("(secret)", new SharedSecret("s3cret").ToString());
        Assert.DoesNotContain("s3cret", new MetaNodeOptions { SharedSecret = new SharedSecret("s3cret") }.ToString(), StringComparison.Ordinal);
        Assert.Equal("SharedSecretEmpty", Assert.Throws<InfluxBackupException>(() => new SharedSecret("")).Id);
    }

    [Theory]
    [InlineData("meta01", "meta01", 8091)]
    [InlineData(" meta01:9 ", "meta01", 9)]
    [InlineData("[::1]:8091", "::1", 8091)]
    [InlineData("::1", "::1", 8091)]
    public void An_address_has_a_host_and_perhaps_a_port(string text, string host, int port) =>
        Assert.Equal(new MetaNodeAddress(host, port), MetaNodeAddress.Parse(text));

    [Theory]
    [InlineData("http://meta01:8091")]
    [InlineData("meta01:x")]
    [InlineData("")]
    [InlineData("meta01/path")]
    public void What_is_no_address_is_refused(string text) =>
        Assert.Equal("MetaNodeAddressInvalid", Assert.Throws<InfluxBackupException>(() => MetaNodeAddress.Parse(text)).Id);

    [Theory]
    [InlineData("http://root:pa55@meta01:8091")]
    [InlineData("root:pa55@meta01")]
    public void A_password_in_an_address_is_not_repeated(string text) =>
        Assert.DoesNotContain("pa55", Assert.Throws<InfluxBackupException>(() => MetaNodeAddress.Parse(text)).ToString(), StringComparison.Ordinal);

    private static byte[] FromBase64Url(string text) =>
        Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));
}
