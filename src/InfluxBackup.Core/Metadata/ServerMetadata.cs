using Google.Protobuf;

namespace InfluxBackup.Metadata;

/// <summary>One shard as the metadata describe it.</summary>
/// <param name="Key">Database, policy and id.</param>
/// <param name="Start">Beginning of its group, nanoseconds since 1970.</param>
/// <param name="End">End of its group, exclusive, nanoseconds since 1970.</param>
/// <param name="IsDeleted">Its group is marked deleted: the server removes it soon and no query sees it.</param>
/// <param name="Owners">Ids of the data nodes that hold it; empty on a single server.</param>
public sealed record ShardDescription(ShardKey Key, long Start, long End, bool IsDeleted, IReadOnlyList<ulong> Owners);

/// <summary>
/// The metadata of a server or cluster (the content of <c>meta.db</c>), read and looked things up in. The message keeps fields
/// that this program does not know, byte for byte, because Enterprise stores roles in fields of its own.
/// </summary>
public sealed class ServerMetadata
{
    private readonly Lazy<Dictionary<ulong, ShardDescription>> shards;

    public ServerMetadata(Data data)
    {
        Data = data;
        shards = new(() => Describe(data));
    }

    /// <summary>The message.</summary>
    public Data Data { get; }

    public IEnumerable<DatabaseInfo> Databases => Data.Databases;

    /// <summary>All shards, in the order of the metadata.</summary>
    public IEnumerable<ShardDescription> Shards => shards.Value.Values;

    /// <summary>Reads a metadata message.</summary>
    /// <exception cref="InfluxBackupException">The bytes are not a complete message.</exception>
    public static ServerMetadata Parse(ReadOnlyMemory<byte> bytes, string subject)
    {
        try
        {
            var data = Data.Parser.ParseFrom(bytes.Span);
            return data.IsInitialized()
                ? new ServerMetadata(data)
                : throw Damaged(subject, bytes.IsEmpty ? "they are empty" : "a required field is missing", null);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Damaged(subject, e.Message, e);
        }
    }

    /// <summary>Ids that more than one shard has. Ids are unique unless two metadata imports ran into each other.</summary>
    public IReadOnlyList<ulong> ShardIdsGivenTwice =>
        Data.Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards)
            .GroupBy(s => s.ID).Where(g => g.Count() > 1).Select(g => g.Key).ToList();

    public DatabaseInfo? FindDatabase(string name) => Data.Databases.FirstOrDefault(d => d.Name == name);

    public ShardDescription? FindShard(ulong id) => shards.Value.GetValueOrDefault(id);

    /// <summary>Whether these are metadata of the same server or cluster at another time, as far as they tell.</summary>
    public bool IsOfSameServer(ServerMetadata other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Data.ClusterID == other.Data.ClusterID || Data.ClusterID == 0 || other.Data.ClusterID == 0;
    }

    /// <summary>
    /// Whether a shard is the same here and there. A server that was set up anew, or set back to an earlier state, gives the same names and
    /// ids again, but for other points.
    /// </summary>
    public bool IsSameShard(ServerMetadata other, ShardKey shard)
    {
        ArgumentNullException.ThrowIfNull(shard);
        return IsOfSameServer(other) && FindShard(shard.Id) is { } here && other.FindShard(shard.Id) is { } there
            && here.Key == shard && there.Key == shard && here.Start == there.Start;
    }

    /// <summary>A group's start can lie behind its end: the server computes it with wrap-around at the smallest times.</summary>
    private static Dictionary<ulong, ShardDescription> Describe(Data data)
    {
        var all = new Dictionary<ulong, ShardDescription>();
        foreach (var database in data.Databases)
        {
            foreach (var policy in database.RetentionPolicies)
            {
                foreach (var group in policy.ShardGroups)
                {
                    foreach (var shard in group.Shards)
                    {
                        var owners = shard.OwnerIDs.Count > 0 ? shard.OwnerIDs.ToList() : shard.Owners.Select(o => o.NodeID).ToList();
                        all[shard.ID] = new ShardDescription(
                            new ShardKey(database.Name, policy.Name, shard.ID), group.StartTime, group.EndTime, group.DeletedAt != 0, owners);
                    }
                }
            }
        }

        return all;
    }

    private static InfluxBackupException Damaged(string subject, string why, Exception? inner) =>
        new("MetadataDamaged", ErrorKind.InvalidData, $"The metadata of {subject} can't be read: {why}.", inner) { Subject = subject };
}
