using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>A running server, read through its backup service; its disk is not touched. Its cache is flushed first.</summary>
public sealed class LiveExportSource(ServerAccess server) : ExportSource
{
    private readonly SnapshotterClient client = server.CreateClient();

    private readonly StagingArea area = new();

    /// <inheritdoc/>
    public override string Subject => $"data node {client.Address}";

    /// <inheritdoc/>
    internal override async Task<ExportCatalog> ReadCatalogAsync(ShardSelection selection, CancellationToken cancel)
    {
        var metadata = ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, Subject);
        var chosen = selection.Choose(metadata, Subject).Where(s => IsWanted(s.Key, selection)).ToList();
        var warnings = new List<string>();
        if (chosen.Any(s => s.Owners.Count > 0))
        {
            // The metadata of a cluster name every node's shards.
            var here = (await client.ReadShardsAsync(null, null, cancel).ConfigureAwait(false) ?? []).ToHashSet();
            var elsewhere = chosen.RemoveAll(s => !here.Contains(s.Key));
            if (elsewhere > 0)
            {
                warnings.Add($"{client.Address} is a node of a cluster: {elsewhere} of {elsewhere + chosen.Count} shards live on other nodes only and are not exported.");
            }
        }

        return new ExportCatalog(chosen.Select(s => new ExportShard(s.Key, s, null)).ToList(), metadata, warnings);
    }

    /// <inheritdoc/>
    internal override Task<LocalShard> OpenAsync(ExportShard shard, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel) =>
        ShardStage.OpenAsync(shard, new LiveShardSource(client, new LiveShardSourceOptions(), options.Logger), area, options, salvage, cancel);
}
