using InfluxBackup.BackupSets;
using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;
using InfluxBackup.Wal;
using Microsoft.Extensions.Logging;

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
        if (directories.FindRunningServer(cancel) is { } running)
        {
            warnings.Add(running);
        }

        if (directories.WalPath is null && directories.DataPath is not null)
        {
            warnings.Add("No WAL directory was given: points that the server has not yet written to TSM files are missing.");
        }

        return Task.FromResult(new ExportCatalog(
            files.Values.Select(s => new ExportShard(s.Shard, s.Description, s.Bytes)).ToList(), directories.Metadata, warnings));
    }

    /// <inheritdoc/>
    internal override Task<LocalShard> OpenAsync(ExportShard shard, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel)
    {
        var found = files[shard.Key];
        var local = new LocalShard(shard.Key, salvage);
        try
        {
            foreach (var path in found.TsmFiles)
            {
                local.Add(path, found.Tombstones.GetValueOrDefault(path), cancel);
            }

            if (found.WalSegments.Count > 0)
            {
                AddWal(local, found, options.Logger, cancel);
            }

            return Task.FromResult(local);
        }
        catch
        {
            local.Dispose();
            throw;
        }
    }

    /// <summary>The log becomes TSM files, as at the server's next start, in a directory for temporary files; they are newer than all others.</summary>
    private static void AddWal(LocalShard local, ShardFiles found, ILogger logger, CancellationToken cancel)
    {
        var directory = CreateDirectory(logger);
        local.Own(directory);
        try
        {
            var snapshot = WalSnapshot.Write(found.WalSegments, new WalSnapshotOptions { Directory = directory.Path }, cancel);
            local.Warnings.AddRange(snapshot.Warnings);
            foreach (var run in snapshot.Runs)
            {
                local.Add(run.TsmFile, run.TombstoneFile, cancel);
            }
        }
        catch (TsmFormatException e)
        {
            throw new InfluxBackupException("WalDamaged", ErrorKind.InvalidData, $"The WAL of {found.Shard} in '{found.WalPath}' is damaged: {e.Message}", e)
            {
                Subject = found.WalPath,
                Remedy = ExportErrors.SalvageRemedy,
            };
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw new InfluxBackupException("WalNotReadable", ErrorKind.Read, $"The WAL of {found.Shard} in '{found.WalPath}' could not be read, or not be written to '{directory.Path}': {e.Message}", e)
            {
                Subject = found.WalPath,
            };
        }
    }

    /// <exception cref="InfluxBackupException">There is no place for temporary files.</exception>
    private static ScratchDirectory CreateDirectory(ILogger logger)
    {
        try
        {
            return ScratchDirectory.Create(logger);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(Path.GetTempPath(), e, "Set a directory for temporary files with the environment variable TMPDIR (TEMP on Windows).");
        }
    }
}
