namespace InfluxBackup.Metadata;

/// <summary>Names one shard of one server: database, retention policy and id.</summary>
public sealed record ShardKey(string Database, string RetentionPolicy, ulong Id) : IComparable<ShardKey>
{
    /// <summary>Path relative to the data directory, also the prefix of the names in a shard archive: <c>db/rp/id</c>.</summary>
    public string Path => $"{Database}/{RetentionPolicy}/{Id}";

    /// <inheritdoc/>
    public override string ToString() => $"shard {Id} ({Database}.{RetentionPolicy})";

    /// <summary>Order: database, policy, id.</summary>
    public int CompareTo(ShardKey? other)
    {
        if (other is null)
        {
            return 1;
        }

        var byDatabase = string.CompareOrdinal(Database, other.Database);
        var byPolicy = byDatabase != 0 ? byDatabase : string.CompareOrdinal(RetentionPolicy, other.RetentionPolicy);
        return byPolicy != 0 ? byPolicy : Id.CompareTo(other.Id);
    }

    public static bool operator <(ShardKey left, ShardKey right) => left.CompareTo(right) < 0;

    public static bool operator >(ShardKey left, ShardKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(ShardKey left, ShardKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ShardKey left, ShardKey right) => left.CompareTo(right) >= 0;
}
