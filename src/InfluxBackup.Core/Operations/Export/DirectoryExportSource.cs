using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Wal;

namespace InfluxBackup.Operations;

/// <summary>
/// The directories of a stopped server. Of a running one only what is there at that moment is seen, and a file that a compaction
/// removes meanwhile is an error: use the server itself instead.
/// </summary>
public sealed class DirectoryExportSource(ServerDirectories directories) : ExportSource
{
    private Dictionary<ShardKey, ShardFiles> files = [];

    /// <inheritdoc/>
    public override string Subject => string.Join(" and ", new[] { directories.DataPath, directories.WalPath }.Where(p => p is not null).Select(p => $"directory '{p}'"));

    /// <inheritdoc/>
    internal override Task<ExportCatalog> ReadCatalogAsync(ShardSelection selection, CancellationToken cancel)
    {
        var listing = directories.ReadShards(selection, cancel);
        files = listing.Shards.Where(s => !s.IsEmpty && IsWanted(s.Shard, selection)).ToDictionary(s => s.Shard);
        var warnings = listing.Warnings.ToList();
        if (directories.WalPath is null && directories.DataPath is not null)
        {
            warnings.Add("No WAL directory was given: points that the server has not yet written to TSM files are missing.");
        }

        return Task.FromResult(new ExportCatalog(
            files.Values.Select(s => new ExportShard(s.Shard, s.Description, s.Bytes)).ToList(), directories.Metadata, warnings));
    }

    /// <inheritdoc/>
    internal override async Task<LocalShard> OpenAsync(ExportShard shard, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel)
    {
        var found = files[shard.Key];
        var local = new LocalShard(shard.Key, salvage);
        try
        {
            foreach (var path in found.TsmFiles)
            {
                local.Add(path, found.Tombstones.GetValueOrDefault(path), cancel);
            }

            return local;
        }
        catch
        {
            local.Dispose();
            throw;
        }
    }
}
