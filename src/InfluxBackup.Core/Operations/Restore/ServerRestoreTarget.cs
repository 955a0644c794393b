using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>A single server: databases come with one metadata import, and every shard is on the one data node.</summary>
internal sealed class ServerRestoreTarget(ServerAccess server, RestoreOptions options) : IRestoreTarget
{
    private readonly SnapshotterClient client = server.CreateClient();
    private readonly InfluxHttpClient? http = server.CreateHttpClient();
    private readonly List<string> created = [];

    public IReadOnlyList<string> Created => created;

    public CancellationToken Lost => CancellationToken.None;

    public ValueTask DisposeAsync()
    {
        http?.Dispose();
        return ValueTask.CompletedTask;
    }

    public async Task ExamineAsync(Data wanted, RestoreFindings findings, CancellationToken cancel)
    {
        if (options.NewReplicationFactor is not null)
        {
            throw new InfluxBackupException("ReplicationNeedsCluster", ErrorKind.InvalidArgument, $"{server.DataNode} is a single server, which holds one copy of everything.")
            {
                Remedy = "-NewReplicationFactor (--new-replication-factor) is for clusters: name a -MetaNode (--meta-node).",
            };
        }

        var target = ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, server.Name);
        if (target.Data.DataNodes.Count > 0 || target.Data.MetaNodes.Count > 0)
        {
            findings.Conflicts.Add(new InfluxBackupException(
                "TargetIsCluster", ErrorKind.Unsupported, $"{client.Address} is a node of a cluster. A metadata import there would replace the metadata of the whole cluster, and queries would not see the data.")
            {
                Subject = client.Address.ToString(),
                Remedy = "Name the cluster's meta nodes with -MetaNode (--meta-node) instead of a data node.",
            });
        }

        foreach (var database in wanted.Databases)
        {
            if (target.FindDatabase(database.Name) is not { } there)
            {
                continue;
            }

            if (!options.Resume)
            {
                findings.Conflicts.Add(RestoreErrors.DatabaseExists(database.Name, server.Name));
            }
            else if (RestoreErrors.WhyNotOfThisRestore(database, there) is { } why)
            {
                findings.Conflicts.Add(RestoreErrors.NotOfThisRestore(database.Name, server.Name, why));
            }
        }

        if (http is not null)
        {
            // An address or credential that is wrong shows now, not after the data.
            _ = await http.ReadUserNamesAsync(cancel).ConfigureAwait(false);
        }
    }

    public async Task<PreparedRestore> PrepareAsync(RestorePlan plan, CancellationToken cancel)
    {
        var import = await new MetadataImport(client, options.Resume, created, options.Logger).RunAsync(plan.Metadata, cancel).ConfigureAwait(false);
        var placement = ShardPlacement.OfWhole(plan.Shards.Where(s => s.Problem is null).Select(s => (s.Source, import.Targets[s.Source.Id])));
        LiveNode[] node = [new LiveNode(client) { Http = http }];
        return new PreparedRestore(placement, _ => node, import.Warnings);
    }

    public Task<IReadOnlyList<RestoredObject>> RestoreObjectsAsync(RestorePlan plan, CancellationToken cancel) =>
        new ServerObjects(plan, http, options.Logger).RunAsync(cancel);
}
