using System.Security.Cryptography.X509Certificates;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// A cluster in the style of InfluxDB Enterprise inside this process: meta nodes with their HTTP API and data nodes with their
/// backup service, as influxdb-cluster 1.8.11-c1.2.0 speaks. All nodes share one record of the metadata; who leads, who lags and who is
/// dead is up to the test.
/// </summary>
public sealed class EmulatedCluster : IAsyncDisposable
{
    /// <summary>What the nodes call themselves.</summary>
    public const string Version = "1.8.11-c1.2.0";

    private readonly ClusterState state;
    private readonly X509Certificate2? ownCertificate;

    private EmulatedCluster(EmulatedClusterOptions options)
    {
        AntiEntropy = options.AntiEntropy;
        var root = Path.GetFullPath(options.Directory);
        state = new ClusterState(new EmulatedMetadata(Path.Combine(root, "meta")), options.ElectionTime, options.AnnouncementExpiry);
        var usesTls = options.UseTls || options.UseTlsOnDataNodes;
        ownCertificate = usesTls && options.Certificate is null ? SelfSignedCertificate.Create() : null;
        Certificate = usesTls ? options.Certificate ?? ownCertificate : null;
        var httpCertificate = options.UseTls ? Certificate : null;
        for (var i = 0; i < options.MetaNodes; i++)
        {
            var node = default(EmulatedMetaNode);
            node = new EmulatedMetaNode(state, new HttpAuthentication(options.Authentication, () => node!.Read()), httpCertificate);
            state.MetaNodes.Add(node);
        }

        for (var i = 0; i < options.DataNodes; i++)
        {
            var member = new ClusterMembership(
                (ulong)(options.MetaNodes + i + 1), this, state.Metadata, new HttpAuthentication(options.Authentication, state.Metadata.Read), options.UseTls);
            state.DataNodes.Add(EmulatedDataNode.Start(
                new EmulatedDataNodeOptions
                {
                    Directory = Path.Combine(root, $"data{i + 1}"),
                    UseTls = options.UseTlsOnDataNodes,
                    Certificate = Certificate,
                    StopTimeout = options.StopTimeout,
                    BytesPerSecond = options.BytesPerSecond,
                    Logger = options.Logger,
                },
                member));
        }

        state.Metadata.Edit(Register);
        if (options.Authentication is { } login)
        {
            state.Metadata.Edit(data => AddAdministrator(data, login));
        }

        state.Elect(state.MetaNodes.FirstOrDefault());
    }

    /// <summary>Ids 1, 2 …</summary>
    public IReadOnlyList<EmulatedMetaNode> MetaNodes => state.MetaNodes;

    /// <summary>Their ids follow those of the meta nodes.</summary>
    public IReadOnlyList<EmulatedDataNode> DataNodes => state.DataNodes;

    /// <summary>Databases, policies, groups, shards with their owners, users; may be changed at any time.</summary>
    public EmulatedMetadata Metadata => state.Metadata;

    /// <summary>Who leads; null for a while after a leader died, and always while more than half of the meta nodes are dead.</summary>
    public EmulatedMetaNode? Leader => state.Leader;

    /// <summary>With TLS: the certificate that clients see.</summary>
    public X509Certificate2? Certificate { get; }

    /// <summary>The text of the command that killed all meta nodes for good; null while they are well.</summary>
    public string? FatalCommand => state.Poison;

    /// <summary>Whether the data nodes say that their anti-entropy service is on; it does nothing.</summary>
    public bool AntiEntropy { get; }

    /// <summary>Starts all nodes.</summary>
    public static Task<EmulatedCluster> StartAsync(EmulatedClusterOptions options) => Task.FromResult(new EmulatedCluster(options));

    /// <summary>Makes this meta node the leader.</summary>
    public void ElectLeader(int index)
    {
        state.MetaNodes[index].IsLagging = false;
        state.Elect(state.MetaNodes[index]);
    }

    /// <summary>From now on nobody leads, until somebody is elected.</summary>
    public void LoseLeader() => state.Elect(null);

    /// <summary>The data node of this id.</summary>
    public EmulatedDataNode DataNode(ulong id) => state.DataNodes.First(n => n.NodeId == id);

    /// <summary>The data nodes that are to have a copy of this shard.</summary>
    public IReadOnlyList<EmulatedDataNode> OwnersOf(ulong shardId) =>
        [.. Metadata.Read().Databases.SelectMany(d => d.RetentionPolicies).SelectMany(p => p.ShardGroups).SelectMany(g => g.Shards)
            .Where(s => s.ID == shardId).SelectMany(s => s.Owners).Select(o => DataNode(o.NodeID))];

    /// <summary>Adds a shard group as a write of a point of this time does, with its shards on the disks of those owners that run.</summary>
    /// <returns>The group that points of this time go into.</returns>
    public ShardGroupInfo CreateShardGroup(string database, string retentionPolicy, long time)
    {
        if (!Find(Metadata.Read()).ShardGroups.Any(g => ShardGroupCommands.Takes(g, time)))
        {
            Metadata.Edit(data => ShardGroupCommands.Create(data, Find(data), time));
        }

        var group = Find(Metadata.Read()).ShardGroups.First(g => ShardGroupCommands.Takes(g, time));
        foreach (var shard in group.Shards)
        {
            foreach (var owner in shard.Owners.Where(o => DataNode(o.NodeID).IsRunning))
            {
                DataNode(owner.NodeID).Shards.Create(new ShardKey(database, retentionPolicy, shard.ID));
            }
        }

        return group;

        RetentionPolicyInfo Find(Data data) => data.Databases.First(d => d.Name == database).RetentionPolicies.First(p => p.Name == retentionPolicy);
    }

    /// <summary>
    /// Stores points as writes and flushes do: in the group of their time, creating it where it is missing, there in the shard that the hash of
    /// their series says, as one more TSM file on each owner.
    /// </summary>
    /// <param name="receivers">Owners that get the points; the others miss them. All if null.</param>
    public void Write(string database, string retentionPolicy, IEnumerable<EmulatedPoint> points, Func<EmulatedDataNode, bool>? receivers = null)
    {
        ShardGroupInfo? group = null;
        var shards = points.GroupBy(point =>
        {
            group = group is not null && ShardGroupCommands.Takes(group, point.Time) ? group : CreateShardGroup(database, retentionPolicy, point.Time);
            return group.Shards[(int)(point.Hash % (ulong)group.Shards.Count)].ID;
        }).ToList();
        foreach (var shard in shards)
        {
            foreach (var owner in OwnersOf(shard.Key).Where(receivers ?? (_ => true)))
            {
                owner.AddPoints(new ShardKey(database, retentionPolicy, shard.Key), shard);
            }
        }
    }

    /// <summary>The shard that a point of this series and time goes into; its group is created where it is missing.</summary>
    public ShardKey ShardOf(string database, string retentionPolicy, string series, long time)
    {
        var group = CreateShardGroup(database, retentionPolicy, time);
        return new ShardKey(database, retentionPolicy, group.Shards[(int)(new EmulatedPoint(series, "", time, 0L).Hash % (ulong)group.Shards.Count)].ID);
    }

    /// <summary>All points of a database that a query through any node would find when all nodes are well: of each shard what any owner has.</summary>
    public IReadOnlyDictionary<(string RetentionPolicy, string Series, string Field, long Time), object> ReadPoints(string database)
    {
        var all = new Dictionary<(string RetentionPolicy, string Series, string Field, long Time), object>();
        var shards = ServerMetadata.Parse(Metadata.ReadBytes(), "cluster").Shards.Where(s => !s.IsDeleted && s.Key.Database == database);
        foreach (var shard in shards)
        {
            foreach (var point in OwnersOf(shard.Key.Id).Reverse().SelectMany(o => o.ReadPoints(shard.Key)))
            {
                all[(shard.Key.RetentionPolicy, point.Key.Series, point.Key.Field, point.Key.Time)] = point.Value;
            }
        }

        return all;
    }

    /// <summary>Removes a shard from metadata and all disks, as DROP SHARD does.</summary>
    public void DropShard(ulong id)
    {
        foreach (var node in state.DataNodes)
        {
            node.DropShard(id);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in state.MetaNodes)
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var node in state.DataNodes)
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }

        ownCertificate?.Dispose();
    }

    private static void AddAdministrator(Data data, EmulatedAuthentication login)
    {
        if (!data.Users.Any(u => u.Name == login.UserName))
        {
            data.Users.Add(new UserInfo { Name = login.UserName, Hash = HttpAuthentication.Hash(login.Password), Admin = true });
        }
    }

    /// <summary>Addresses are new at each start; ids, and with them the owners, stay.</summary>
    private void Register(Data data)
    {
        data.MetaNodes.Clear();
        data.MetaNodes.Add(state.MetaNodes.Select((n, i) => new NodeInfo { ID = (ulong)i + 1, Host = n.Address, TCPHost = n.RaftAddress }));
        data.DataNodes.Clear();
        data.DataNodes.Add(state.DataNodes.Select(n => new NodeInfo { ID = n.NodeId, Host = n.HttpAddress, TCPHost = n.Address }));
        data.MaxNodeID = Math.Max(data.MaxNodeID, (ulong)(state.MetaNodes.Count + state.DataNodes.Count));
    }
}
