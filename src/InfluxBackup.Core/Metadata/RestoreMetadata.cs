namespace InfluxBackup.Metadata;

/// <summary>
/// Makes the metadata that a restore uploads: exactly the wanted databases, policies, groups and shards, under their new names,
/// and nothing else. That keeps the upload small (servers before 1.8.8 fail on large ones) and creates no empty shards.
/// </summary>
public static class RestoreMetadata
{
    /// <summary>The monitor's own database, which every server makes for itself.</summary>
    public const string InternalDatabase = "_internal";

    private const long NanosecondsPerTick = 100;
    private static readonly TimeSpan ShortestDuration = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestDuration = TimeSpan.FromTicks(long.MaxValue / NanosecondsPerTick);

    /// <summary>Builds the message.</summary>
    /// <param name="source">Metadata of the backup.</param>
    /// <param name="databases">Databases to create.</param>
    /// <param name="retentionPolicies">Policies to create; all of a database when empty.</param>
    /// <param name="shardIds">Shards to create; their groups come along, others don't.</param>
    /// <param name="newDatabase">New name of the one database.</param>
    /// <param name="newRetentionPolicy">New name of the one policy.</param>
    public static Data Create(
        ServerMetadata source,
        IReadOnlyCollection<string> databases,
        IReadOnlyCollection<string> retentionPolicies,
        IReadOnlySet<ulong> shardIds,
        string? newDatabase,
        string? newRetentionPolicy)
    {
        var data = new Data { Term = 0, Index = 1, ClusterID = 1, MaxNodeID = 0, MaxShardGroupID = 0, MaxShardID = 0 };
        foreach (var database in source.Databases.Where(d => databases.Contains(d.Name)))
        {
            data.Databases.Add(Create(database, retentionPolicies, shardIds, newDatabase, newRetentionPolicy));
        }

        var groups = data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).ToList();
        data.MaxShardGroupID = groups.Select(g => g.ID).DefaultIfEmpty().Max();
        data.MaxShardID = groups.SelectMany(g => g.Shards).Select(s => s.ID).DefaultIfEmpty().Max();
        return data;
    }

    /// <summary>Takes shards away, and groups of which nothing is left.</summary>
    public static void RemoveShards(Data data, IReadOnlySet<ulong> ids)
    {
        foreach (var policy in data.Databases.SelectMany(d => d.RetentionPolicies))
        {
            foreach (var group in policy.ShardGroups.ToList())
            {
                foreach (var shard in group.Shards.Where(s => ids.Contains(s.ID)).ToList())
                {
                    group.Shards.Remove(shard);
                }

                if (group.Shards.Count == 0)
                {
                    policy.ShardGroups.Remove(group);
                }
            }
        }
    }

    /// <summary>Gives all policies another duration.</summary>
    /// <param name="data">What is to be created; changed in place.</param>
    /// <param name="duration">The duration; zero keeps data for ever.</param>
    /// <exception cref="InfluxBackupException">No server accepts the duration.</exception>
    public static void SetDuration(Data data, TimeSpan duration)
    {
        if (duration != TimeSpan.Zero && (duration < ShortestDuration || duration > LongestDuration))
        {
            throw new InfluxBackupException("DurationInvalid", ErrorKind.InvalidArgument, $"A retention policy can't keep data for {duration}.")
            {
                Remedy = "Give one hour or more, or INF for ever.",
            };
        }

        foreach (var policy in data.Databases.SelectMany(d => d.RetentionPolicies))
        {
            policy.Duration = duration.Ticks * NanosecondsPerTick;
            if (policy.Duration > 0 && policy.ShardGroupDuration > policy.Duration)
            {
                // What a server chooses for such a policy.
                policy.ShardGroupDuration = (duration >= TimeSpan.FromDays(180) ? TimeSpan.FromDays(7) : duration >= TimeSpan.FromDays(2) ? TimeSpan.FromDays(1) : TimeSpan.FromHours(1)).Ticks * NanosecondsPerTick;
            }
        }
    }

    /// <summary>Gives all policies another replication factor.</summary>
    public static void SetReplication(Data data, int factor)
    {
        foreach (var policy in data.Databases.SelectMany(d => d.RetentionPolicies))
        {
            policy.ReplicaN = (uint)factor;
        }
    }

    private static DatabaseInfo Create(
        DatabaseInfo database, IReadOnlyCollection<string> retentionPolicies, IReadOnlySet<ulong> shardIds, string? newDatabase, string? newRetentionPolicy)
    {
        var policies = database.RetentionPolicies.Where(p => retentionPolicies.Count == 0 || retentionPolicies.Contains(p.Name)).ToList();

        // The default stays where it is among the policies; a single policy chosen becomes it, as with the server's own restore.
        var defaultPolicy = policies.Any(p => p.Name == database.DefaultRetentionPolicy) || retentionPolicies.Count == 0
            ? database.DefaultRetentionPolicy
            : policies[0].Name;
        var created = new DatabaseInfo
        {
            Name = newDatabase ?? database.Name,
            DefaultRetentionPolicy = newRetentionPolicy is not null && policies.Count == 1 && defaultPolicy == policies[0].Name ? newRetentionPolicy : defaultPolicy,
        };
        foreach (var policy in policies)
        {
            var copy = policy.Clone();
            copy.Name = newRetentionPolicy ?? policy.Name;
            copy.ShardGroups.Clear();
            copy.ShardGroups.Add(policy.ShardGroups.Select(g => OnlyShards(g, shardIds)).Where(g => g.Shards.Count > 0));
            created.RetentionPolicies.Add(copy);
        }

        return created;
    }

    private static ShardGroupInfo OnlyShards(ShardGroupInfo group, IReadOnlySet<ulong> shardIds)
    {
        var copy = group.Clone();
        copy.Shards.Clear();
        copy.Shards.Add(group.Shards.Where(s => shardIds.Contains(s.ID)).Select(s => new ShardInfo { ID = s.ID }));
        return copy;
    }
}
