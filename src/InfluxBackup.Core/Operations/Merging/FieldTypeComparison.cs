using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Operations;

/// <summary>
/// Compares the types of a backup's fields with those of the server. A shard that gets files with a field of another type can't be opened
/// any more, or loses them, so one such field is reason enough not to begin. A policy may have a field with several types, each in other shards;
/// which of them one shard has is read from its files then.
/// </summary>
internal sealed class FieldTypeComparison(IMergeTarget place, OperationOptions options)
{
    private readonly Dictionary<(string Database, string RetentionPolicy), Dictionary<FieldName, HashSet<string>>> policies = [];

    /// <summary>Compares what comes into a shard; null where all types fit.</summary>
    /// <param name="shard">The shard on the server.</param>
    /// <param name="target">The server's metadata; the shard may be one that they don't have yet.</param>
    /// <param name="sources">The shards of the backup that it gets points of, with their fields.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task<InfluxBackupException?> CompareAsync(
        TargetShard shard, ServerMetadata target, IEnumerable<(ShardKey Shard, ShardFields Fields)> sources, CancellationToken cancel)
    {
        var coming = new Dictionary<FieldName, (TsmBlockType Type, ShardKey From)>();
        foreach (var (from, fields) in sources)
        {
            foreach (var (name, type) in fields.Types)
            {
                if (!coming.TryAdd(name, (type, from)) && coming[name].Type != type)
                {
                    return Conflict(shard.Key, name, $"{FieldTypeName.Of(type)} in {from} of the backup and {FieldTypeName.Of(coming[name].Type)} in {coming[name].From}, and both belong into one shard");
                }
            }
        }

        var known = await ReadAsync(shard.Key, target, cancel).ConfigureAwait(false);
        var unclear = false;
        foreach (var (name, (type, from)) in coming)
        {
            var types = known.GetValueOrDefault(name);
            if (types is not null && !types.Contains(FieldTypeName.Of(type)))
            {
                return Conflict(shard.Key, name, $"{FieldTypeName.Of(type)} in {from} of the backup and {string.Join(" and ", types.Order(StringComparer.Ordinal))} in {shard.Key.Database}.{shard.Key.RetentionPolicy} on the server");
            }

            unclear |= types is { Count: > 1 };
        }

        return unclear && target.FindShard(shard.Key.Id) is not null ? await CompareFilesAsync(shard, coming, cancel).ConfigureAwait(false) : null;
    }

    /// <summary>On each owner: copies may differ. A node that was never written to has no such shard, and so no types.</summary>
    private async Task<InfluxBackupException?> CompareFilesAsync(
        TargetShard shard, Dictionary<FieldName, (TsmBlockType Type, ShardKey From)> coming, CancellationToken cancel)
    {
        foreach (var client in place.OwnersOf(shard).Select(o => o.Client))
        {
            var open = await client.ReadShardsAsync(shard.Key.Database, shard.Key.RetentionPolicy, cancel).ConfigureAwait(false);
            if (open?.Contains(shard.Key) == true && await CompareFilesAsync(client, shard.Key, coming, cancel).ConfigureAwait(false) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private async Task<InfluxBackupException?> CompareFilesAsync(
        SnapshotterClient client, ShardKey shard, Dictionary<FieldName, (TsmBlockType Type, ShardKey From)> coming, CancellationToken cancel)
    {
        var sink = new ShardFieldsSink();
        var transfer = options.Transfer with { Parallelism = 1, Progress = null, Logger = NullLogger.Instance };
        var result = (await new ShardTransfer(transfer)
            .RunAsync([new ShardTask(shard)], new LiveShardSource(client, new LiveShardSourceOptions(), NullLogger.Instance), sink, cancel).ConfigureAwait(false))[0];
        if (result.Outcome != ShardOutcome.Complete)
        {
            return result.Error;
        }

        foreach (var (name, type) in sink[shard].Types)
        {
            if (coming.TryGetValue(name, out var wanted) && wanted.Type != type)
            {
                return Conflict(shard, name, $"{FieldTypeName.Of(wanted.Type)} in {wanted.From} of the backup and {FieldTypeName.Of(type)} in {shard} on {client.Address}");
            }
        }

        return null;
    }

    private async Task<Dictionary<FieldName, HashSet<string>>> ReadAsync(ShardKey shard, ServerMetadata target, CancellationToken cancel)
    {
        var policy = (shard.Database, shard.RetentionPolicy);
        if (!policies.TryGetValue(policy, out var types))
        {
            var exists = target.FindDatabase(shard.Database)?.RetentionPolicies.Any(p => p.Name == shard.RetentionPolicy) ?? false;
            var keys = new HashSet<FieldKey>();
            foreach (var http in exists ? place.Nodes.Select(n => n.HttpOf()) : [])
            {
                keys.UnionWith(await http.ReadFieldKeysAsync(shard.Database, shard.RetentionPolicy, cancel).ConfigureAwait(false));
            }

            policies.Add(policy, types = keys.GroupBy(k => new FieldName(k.Measurement, k.Field)).ToDictionary(g => g.Key, g => g.Select(k => k.Type).ToHashSet(StringComparer.Ordinal)));
        }

        return types;
    }

    private static InfluxBackupException Conflict(ShardKey shard, FieldName name, string types) =>
        new("FieldTypeConflict", ErrorKind.InvalidData, $"The {name} is {types}. A shard can't have both; nothing was changed.")
        {
            Subject = shard.ToString(),
            Remedy = "Merge into another policy with -NewRetentionPolicy (--new-retention-policy), or leave those shards out.",
        };
}
