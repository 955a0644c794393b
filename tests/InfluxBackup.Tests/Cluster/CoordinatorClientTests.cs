using System.Net;
using System.Net.Sockets;
using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Tests.Cluster;

public sealed class CoordinatorClientTests
{
    private static readonly ShardKey Shard = new("c1", "r", 7);

    [Fact]
    public async Task A_shard_is_created_by_a_write_without_points()
    {
        var (request, error) = await ExchangeAsync(Convert.FromHexString("0200000000000000020800"));

        Assert.Null(error);
        // Mux header, type, length, then shard id, database and policy.
        Assert.Equal("02" + "01" + "0000000000000009" + "0807" + "1A026331" + "220172", Convert.ToHexString(request));
    }

    [Theory]
    [InlineData("02000000000000000508011201" + "78", "ShardCreationRefused")]
    [InlineData("", "CoordinatorSilent")]
    [InlineData("0200000000", "CoordinatorSilent")]
    [InlineData("485454502F312E312034303020", "NotADataNode")]
    [InlineData("02000000000000000208", "CoordinatorSilent")]
    [InlineData("0200000000000000020FFF", "NotADataNode")]
    public async Task Whatever_else_comes_is_an_error(string answer, string id)
    {
        var (_, error) = await ExchangeAsync(Convert.FromHexString(answer));

        Assert.Equal(id, error?.Id);
    }

    private static async Task<(byte[] Request, InfluxBackupException? Error)> ExchangeAsync(byte[] answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var node = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync();
            var request = new byte[19];
            await client.GetStream().ReadExactlyAsync(request);
            await client.GetStream().WriteAsync(answer);
            return request;
        });
        var coordinator = new CoordinatorClient(new DataNodeAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port), new SnapshotterOptions());
        InfluxBackupException? error = null;
        try
        {
            await coordinator.CreateShardAsync(Shard, default);
        }
        catch (InfluxBackupException e)
        {
            error = e;
        }

        return (await node, error);
    }
}
