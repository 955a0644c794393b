using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>
/// Types 3 and 4: the shards of a database (of all if no name is given) or of a policy, in the order of the metadata. Shards that
/// are not open on this node are left out; groups that are marked deleted are not.
/// </summary>
internal sealed class ShardInfoHandler(EmulatedMetadata metadata, ShardStore shards) : IRequestHandler
{
    public async Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel)
    {
        var body = request.Body!;
        var databases = Databases(body);
        var open = databases
            .SelectMany(d => Policies(d, body), (database, policy) => (database, policy))
            .SelectMany(p => p.policy.ShardGroups.SelectMany(g => g.Shards), (p, shard) => new ShardKey(p.database.Name, p.policy.Name, shard.ID))
            .Where(shards.IsOpen)
            .ToList();
        await connection.WriteAsync(ShardPathList.ToBytes(open), cancel).ConfigureAwait(false);
    }

    private List<DatabaseInfo> Databases(SnapshotterRequest body)
    {
        var all = metadata.Read().Databases.ToList();
        if (body.BackupDatabase.Length == 0 && body.Type == SnapshotterRequestType.DatabaseInfo)
        {
            return all;
        }

        var named = all.Where(d => d.Name == body.BackupDatabase).ToList();
        return named.Count > 0 ? named : throw new RequestRefusedException($"database not found: {body.BackupDatabase}");
    }

    private static List<RetentionPolicyInfo> Policies(DatabaseInfo database, SnapshotterRequest body)
    {
        if (body.Type == SnapshotterRequestType.DatabaseInfo)
        {
            return [.. database.RetentionPolicies];
        }

        var named = database.RetentionPolicies.Where(p => p.Name == body.BackupRetentionPolicy).ToList();
        return named.Count > 0 ? named : throw new RequestRefusedException($"retention policy not found: {body.BackupRetentionPolicy}");
    }
}
