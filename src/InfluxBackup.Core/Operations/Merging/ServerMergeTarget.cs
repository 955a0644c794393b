using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>A single server.</summary>
internal sealed class ServerMergeTarget : IMergeTarget
{
    private readonly SnapshotterClient client;
    private readonly InfluxHttpClient http;

    /// <exception cref="InfluxBackupException">The address of its HTTP API is not given.</exception>
    public ServerMergeTarget(ServerAccess access)
    {
        Name = access.Name;
        client = access.CreateClient();
        http = access.CreateHttpClient() ?? throw HttpRequired(access.DataNode);
        Writer = new InfluxWriteClient([access.Http!], new WriteSettings(), connections: 4);
        Nodes = [new LiveNode(client) { Http = http }];
    }

    public string Name { get; }

    public InfluxWriteClient Writer { get; }

    public IReadOnlyList<LiveNode> Nodes { get; }

    public CancellationToken Lost => CancellationToken.None;

    public async Task ExamineAsync(RestoreFindings findings, CancellationToken cancel)
    {
        var metadata = await ReadMetadataAsync(cancel).ConfigureAwait(false);
        if (metadata.Data.DataNodes.Count > 0 || metadata.Data.MetaNodes.Count > 0)
        {
            findings.Conflicts.Add(new InfluxBackupException("TargetIsCluster", ErrorKind.Unsupported, $"{client.Address} is a node of a cluster: a merge through one data node would leave the others without the points.")
            {
                Subject = client.Address.ToString(),
                Remedy = "Name the cluster's meta nodes with -MetaNode (--meta-node).",
            });
        }
    }

    /// <summary>Two merges at once do no harm: they choose other names for their files.</summary>
    public Task BeginAsync(IEnumerable<string> databases, CancellationToken cancel) => Task.CompletedTask;

    public async Task<ServerMetadata> ReadMetadataAsync(CancellationToken cancel) =>
        ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, $"data node {client.Address}");

    public uint ReplicationOf(RetentionPolicyInfo policy) => 1;

    public int ShardsOf(RetentionPolicyInfo policy) => 1;

    public IReadOnlyList<LiveNode> OwnersOf(TargetShard shard) => Nodes;

    public ValueTask DisposeAsync()
    {
        http.Dispose();
        Writer.Dispose();
        return ValueTask.CompletedTask;
    }

    private static InfluxBackupException HttpRequired(DataNodeAddress address) =>
        new("HttpRequired", ErrorKind.InvalidArgument, $"A merge into {address} needs its HTTP API: fields are made known by it, and types compared.")
        {
            Subject = address.ToString(),
            Remedy = "Give its address with -HttpUri (--http-uri), for instance http://influx01:8086.",
        };
}
