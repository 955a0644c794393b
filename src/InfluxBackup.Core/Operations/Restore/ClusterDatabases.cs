using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Makes databases, policies and shard groups in a cluster by commands to its meta nodes. The server chooses the groups' ids, their shards
/// and the owners of those; what is there afterwards is read from the metadata.
/// </summary>
/// <param name="meta">The meta nodes.</param>
/// <param name="created">Takes what was created, in words.</param>
/// <param name="logger">Takes what happens on the way.</param>
internal sealed class ClusterDatabases(MetaNodeClient meta, ICollection<string> created, ILogger logger)
{
    /// <summary>More groups than any sensible policy has; metadata that ask for more are not sensible.</summary>
    private const int MostGroups = 100_000;

    /// <summary>A server may make a group shorter than asked for, beside others, so that one more is needed.</summary>
    private const int MostRounds = 5;

    /// <summary>Creates the databases with their policies. What is there of them already is left as it is.</summary>
    public async Task CreateAsync(Data wanted, bool isResumed, CancellationToken cancel)
    {
        var before = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
        foreach (var database in wanted.Databases)
        {
            var there = before.FindDatabase(database.Name);
            if (there is not null && !isResumed)
            {
                throw RestoreErrors.DatabaseExists(database.Name, meta.Name);
            }

            if (there is not null && RestoreErrors.WhyNotOfThisRestore(database, there) is { } why)
            {
                throw RestoreErrors.NotOfThisRestore(database.Name, meta.Name, why);
            }

            await CreateAsync(database, there, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Finds the place of each shard, and makes the groups that are needed for that.</summary>
    /// <param name="source">Metadata of the backup.</param>
    /// <param name="shards">The shards to be restored.</param>
    /// <param name="names">What they are called at the target.</param>
    /// <param name="cancel">Cancels.</param>
    public async Task<ShardPlacement> PlaceAsync(ServerMetadata source, IReadOnlyList<ShardKey> shards, RestoreNames names, CancellationToken cancel)
    {
        for (var round = 1; ; round++)
        {
            var target = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata;
            var placement = ShardPlacement.Create(source, shards, target, s => (names.DatabaseOf(s.Database), names.PolicyOf(s.RetentionPolicy)));
            if (placement.IsComplete || round > MostRounds)
            {
                return placement.IsComplete ? placement : throw NoPlace(placement.Unplaced[0]);
            }

            var missing = placement.MissingGroups.Take(MostGroups + 1).ToList();
            if (missing.Count > MostGroups)
            {
                throw TooMany(missing[0]);
            }

            logger.LogInformation("Creating {Groups}.", Count.Of(missing.Count, "shard group"));
            var made = 0;
            try
            {
                foreach (var group in missing)
                {
                    await meta.ExecuteAsync(MetaCommand.CreateShardGroup(group.Database, group.RetentionPolicy, group.Time), cancel).ConfigureAwait(false);
                    made++;
                }
            }
            finally
            {
                created.Add(Count.Of(made, "shard group"));
            }
        }
    }

    /// <summary>
    /// A database that is created without a policy gets one of the server's choice, so the default policy comes with it.
    /// </summary>
    private async Task CreateAsync(DatabaseInfo database, DatabaseInfo? there, CancellationToken cancel)
    {
        var policies = database.RetentionPolicies.OrderByDescending(p => p.Name == database.DefaultRetentionPolicy).ToList();
        if (there is null)
        {
            await ExecuteAsync(MetaCommand.CreateDatabase(database.Name, policies.FirstOrDefault()), $"database '{database.Name}'", cancel).ConfigureAwait(false);
        }

        foreach (var policy in policies.Skip(there is null ? 1 : 0).Where(p => there?.RetentionPolicies.Any(r => r.Name == p.Name) != true))
        {
            await ExecuteAsync(
                MetaCommand.CreateRetentionPolicy(database.Name, policy, policy.Name == database.DefaultRetentionPolicy),
                $"retention policy '{policy.Name}' of '{database.Name}'", cancel).ConfigureAwait(false);
        }
    }

    private async Task ExecuteAsync(MetaCommand command, string what, CancellationToken cancel)
    {
        try
        {
            await meta.ExecuteAsync(command, cancel).ConfigureAwait(false);
            created.Add(what);
        }
        catch (Exception e) when (e is OperationCanceledException or InfluxBackupException { Kind: ErrorKind.Connection })
        {
            // It may have been on its way.
            created.Add($"perhaps {what}");
            throw;
        }
    }

    private InfluxBackupException NoPlace(UnplacedTimes times) =>
        new("ShardGroupMissing", ErrorKind.InvalidData, $"{meta.Name} did not make all shard groups that {times.Database}.{times.RetentionPolicy} needs: there is none for {ShardTime.ToDateTime(times.Times.Min):O}.")
        {
            Subject = times.Source.ToString(),
            Remedy = "Somebody may have changed the policy meanwhile. Repeat the restore with -Resume (--resume).",
        };

    private static InfluxBackupException TooMany(MissingShardGroup group) =>
        new("TooManyShardGroups", ErrorKind.InvalidData, $"{group.Database}.{group.RetentionPolicy} would need more than {MostGroups} shard groups: its group duration is very short for what the backup holds.")
        {
            Subject = group.Database,
            Remedy = "Restore to a single server, which keeps the groups of the backup; or restore a part with -ShardId (--shard-id).",
        };
}
