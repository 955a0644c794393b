namespace InfluxBackup.Metadata;

/// <summary>Which shards of a server or of a backup are meant. Empty lists mean all.</summary>
public sealed record ShardSelection
{
    /// <summary>All databases.</summary>
    public static ShardSelection Everything { get; } = new();

    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>Needs exactly one database.</summary>
    public IReadOnlyList<string> RetentionPolicies { get; init; } = [];

    public IReadOnlyList<ulong> ShardIds { get; init; } = [];

    /// <summary>Shards whose time range ends after this.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>Shards whose time range begins at or before this.</summary>
    public DateTimeOffset? End { get; init; }

    /// <summary>Whether nothing is left out.</summary>
    public bool IsEverything => Databases.Count == 0 && RetentionPolicies.Count == 0 && ShardIds.Count == 0 && Start is null && End is null;

    /// <summary>
    /// The shards that are meant, in the order of the metadata. Shards of deleted groups are left out: no query sees them,
    /// and the server removes them. A shard id alone is enough; its database and policy are looked up.
    /// </summary>
    /// <param name="metadata">The metadata to choose from.</param>
    /// <param name="subject">What they are of, for messages.</param>
    /// <exception cref="InfluxBackupException">A name or id does not exist; the message says which do.</exception>
    public IReadOnlyList<ShardDescription> Choose(ServerMetadata metadata, string subject)
    {
        Validate(metadata, subject);
        return metadata.Shards.Where(s => !s.IsDeleted && Matches(s)).ToList();
    }

    /// <summary>Checks that everything named exists.</summary>
    public void Validate(ServerMetadata metadata, string subject)
    {
        if (RetentionPolicies.Count > 0 && Databases.Count != 1)
        {
            throw new InfluxBackupException("DatabaseRequired", ErrorKind.InvalidArgument, "A retention policy can only be chosen together with its one database.")
            {
                Remedy = "Name the database too.",
            };
        }

        if (Start is { } start && End is { } end && start >= end)
        {
            throw new InfluxBackupException("TimeRangeInvalid", ErrorKind.InvalidArgument, $"The start of the time range ({start:O}) is not before its end ({end:O}).");
        }

        foreach (var name in Databases)
        {
            var database = metadata.FindDatabase(name)
                ?? throw NotFound("DatabaseNotFound", $"Database '{name}'", subject, "databases", metadata.Databases.Select(d => d.Name), name);
            foreach (var policy in RetentionPolicies.Where(p => database.RetentionPolicies.All(r => r.Name != p)))
            {
                throw NotFound("RetentionPolicyNotFound", $"Retention policy '{policy}' of database '{name}'", subject, "policies", database.RetentionPolicies.Select(r => r.Name), policy);
            }
        }

        var others = this with { ShardIds = [] };
        foreach (var id in ShardIds)
        {
            var shard = metadata.FindShard(id);
            if (shard is null || shard.IsDeleted || !others.Matches(shard))
            {
                var why = shard switch
                {
                    null => "",
                    { IsDeleted: true } => ": its shard group has been deleted",
                    _ => $": it belongs to {shard.Key.Database}.{shard.Key.RetentionPolicy} and is outside of what was chosen",
                };
                throw NotFound(
                    "ShardNotFound", $"Shard {id}", subject, "shards", metadata.Shards.Where(s => !s.IsDeleted && others.Matches(s)).Select(s => s.Key.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)), id.ToString(System.Globalization.CultureInfo.InvariantCulture), why);
            }
        }
    }

    /// <summary>Whether a shard is meant, deleted or not.</summary>
    public bool Matches(ShardDescription shard) =>
        (Databases.Count == 0 || Databases.Contains(shard.Key.Database))
        && (RetentionPolicies.Count == 0 || RetentionPolicies.Contains(shard.Key.RetentionPolicy))
        && (ShardIds.Count == 0 || ShardIds.Contains(shard.Key.Id))
        && Overlaps(shard);

    /// <summary>The start of the very first group wraps around to the far end of time; it begins before everything.</summary>
    private bool Overlaps(ShardDescription shard)
    {
        var start = shard.Start > shard.End ? long.MinValue : shard.Start;
        return (Start is null || shard.End > ShardTime.FromDateTime(Start.Value))
            && (End is null || start <= ShardTime.FromDateTime(End.Value));
    }

    private static InfluxBackupException NotFound(
        string id, string what, string subject, string plural, IEnumerable<string> existing, string name, string why = "")
    {
        const int Most = 20;
        var all = existing.ToList();
        var list = all.Count == 0 ? "none" : string.Join(", ", all.Take(Most)) + (all.Count > Most ? $" and {all.Count - Most} more" : "");
        return new InfluxBackupException(id, ErrorKind.NotFound, $"{what} is not in {subject}{why}.")
        {
            Subject = name,
            Remedy = $"There are these {plural}: {list}.",
        };
    }
}
