namespace InfluxBackup.Operations;

/// <summary>What is wrong with a cluster, in sentences.</summary>
internal static class ClusterProblems
{
    /// <param name="info">The cluster.</param>
    /// <param name="leader">The leader as a meta node named it; null for none.</param>
    /// <param name="shards">All its shards.</param>
    /// <param name="statesMissing">Why sizes and times are not known; null where they are.</param>
    public static IEnumerable<string> Of(ClusterInfo info, string? leader, IReadOnlyList<ShardInfo> shards, InfluxBackupException? statesMissing)
    {
        if (leader is null)
        {
            yield return "No meta node leads: nothing can be changed, and no new shards can be made.";
        }

        foreach (var error in info.MetaNodes.Select(n => n.Error).Concat(info.DataNodes.Select(n => n.Error)).OfType<InfluxBackupException>())
        {
            yield return error.Message;
        }

        if (ClusterOperation.Versions(info.DataNodes) is { Count: > 1 } versions)
        {
            yield return $"The data nodes are of different versions: {string.Join(", ", versions)}.";
        }

        var gone = shards.Count(s => s.Owners!.Any(o => o.DataNode is null));
        if (gone > 0)
        {
            yield return $"{Count.Of(gone, "shard")} with an owner that the cluster does not have any more.";
        }

        var orphans = shards.Count(s => s.Owners!.Count == 0);
        if (orphans > 0)
        {
            yield return $"{Count.Of(orphans, "shard")} without an owner: no query sees them.";
        }

        var lost = info.UnderReplicatedShards.Count(s => !s.IsPresent);
        if (lost > 0)
        {
            yield return $"{Count.Of(lost, "shard")} of which no copy was found, while not every owner could be asked.";
        }

        var few = info.UnderReplicatedShards.Count - lost;
        if (few > 0)
        {
            yield return $"{Count.Of(few, "shard")} with fewer copies than their policy wants.";
        }

        if (statesMissing is not null)
        {
            yield return StatesMissing(statesMissing);
        }
    }

    public static string StatesMissing(InfluxBackupException why) => $"Sizes and times of shards are not known. {why.Message}";
}
