using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>Says what a server or a backup set holds.</summary>
public static class CatalogOperation
{
    /// <summary>Shards of a running server.</summary>
    public static Task<IReadOnlyList<ShardInfo>> ReadServerAsync(ServerAccess server, ShardSelection selection, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Names of the backups of a set, newest first.</summary>
    public static IReadOnlyList<string> ReadTimestamps(string path) => throw new NotImplementedException();

    /// <summary>One backup of a set, the newest unless named.</summary>
    public static BackupInfo ReadBackup(string path, string? timestamp, ShardSelection selection) => throw new NotImplementedException();
}
