namespace InfluxBackup.Operations.Checks;

/// <summary>
/// Every shard id of the metadata is that of one shard. Two metadata imports that run into each other can give one twice; a server then
/// writes the points of both into one directory or the other.
/// </summary>
internal sealed class ShardIdTwiceCheck : BackupCheck
{
    public override void Run(BackupUnderTest backup)
    {
        var twice = backup.Metadata.ShardIdsGivenTwice.ToHashSet();
        foreach (var id in twice)
        {
            var places = backup.Metadata.Databases
                .SelectMany(d => d.RetentionPolicies.Select(p => (Name: $"{d.Name}.{p.Name}", Policy: p)))
                .Where(p => p.Policy.ShardGroups.Any(g => g.Shards.Any(s => s.ID == id)))
                .Select(p => p.Name)
                .ToList();
            var finding = backup.Findings.Error(Id, $"The metadata give the shard id {id} more than once, in {string.Join(" and ", places)}: which of them its archive belongs to can't be told.");
            backup.Findings.Add(finding with { File = backup.Backup.MetadataPath, ShardId = id });
        }
    }
}
