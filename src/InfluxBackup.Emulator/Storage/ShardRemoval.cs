using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>DROP SHARD: the shard leaves the metadata and the disk; a group without shards is marked deleted.</summary>
internal static class ShardRemoval
{
    public static void Drop(ShardKey shard, ShardStore shards, EmulatedMetadata metadata)
    {
        metadata.Edit(data =>
        {
            foreach (var group in data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups))
            {
                if (group.Shards.FirstOrDefault(s => s.ID == shard.Id) is { } found)
                {
                    group.Shards.Remove(found);
                    group.DeletedAt = group.Shards.Count == 0 ? GoTime.UnixNano(GoTime.Of(DateTime.UtcNow)) : group.DeletedAt;
                }
            }
        });
        shards.Delete(shard);
    }
}
