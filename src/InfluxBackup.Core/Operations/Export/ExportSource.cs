using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>Where an export takes its shards from: a stopped server's directories, a backup, a running server.</summary>
public abstract class ExportSource : IDisposable
{
    private const string InternalDatabase = "_internal";

    /// <summary>Names the source for people, and identifies it: a run that was stopped is resumed from the same only.</summary>
    public abstract string Subject { get; }

    /// <summary>Looks what there is. Changes nothing.</summary>
    /// <exception cref="InfluxBackupException">The source can't be read, or does not have what was asked for.</exception>
    internal abstract Task<ExportCatalog> ReadCatalogAsync(ShardSelection selection, CancellationToken cancel);

    /// <summary>Makes the files of one shard ready on this machine.</summary>
    /// <exception cref="InfluxBackupException">They can't be had or are damaged.</exception>
    internal abstract Task<LocalShard> OpenAsync(ExportShard shard, OperationOptions options, Action<ExportFinding>? salvage, CancellationToken cancel);

    /// <summary>Leaves out the server's notes on itself unless the caller named databases or shards.</summary>
    private protected static bool IsWanted(ShardKey shard, ShardSelection selection) =>
        shard.Database != InternalDatabase || selection.Databases.Count > 0 || selection.ShardIds.Count > 0;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>One shard to export.</summary>
/// <param name="Key">Database, policy and id.</param>
/// <param name="Description">Its times, where metadata tell them.</param>
/// <param name="Bytes">Bytes of its files, where known.</param>
internal sealed record ExportShard(ShardKey Key, ShardDescription? Description, long? Bytes)
{
    /// <summary>Where its group begins; that of the very first group wraps around to the far end of time.</summary>
    public long FirstTime => Description is { } known && known.Start <= known.End ? known.Start : long.MinValue;

    /// <summary>Whether it can have points of these times. Points outside of their group are not known to any query.</summary>
    public bool MayHave(TimeRange times) => Description is null || (FirstTime <= times.Max && Description.End > times.Min);
}

/// <summary>What a source has of what was asked for.</summary>
/// <param name="Shards">The shards.</param>
/// <param name="Metadata">Databases and policies with their durations, where the source knows them.</param>
/// <param name="Warnings">What the user should know.</param>
internal sealed record ExportCatalog(IReadOnlyList<ExportShard> Shards, ServerMetadata? Metadata, IReadOnlyList<string> Warnings);
