using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>What the meta nodes of a cluster agree on: the metadata, who leads, and who holds which lease.</summary>
internal sealed class ClusterState(EmulatedMetadata metadata, TimeSpan electionTime, TimeSpan announcementExpiry)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);

    private readonly object gate = new();
    private readonly Dictionary<string, (DateTime Expires, ulong Owner)> leases = [];
    private EmulatedMetaNode? leader;
    private DateTime? electionAt;

    public EmulatedMetadata Metadata => metadata;

    public List<EmulatedMetaNode> MetaNodes { get; } = [];

    public List<EmulatedDataNode> DataNodes { get; } = [];

    /// <summary>Whether the last that others heard of a node counts for them.</summary>
    /// <param name="diedAt">Null for one that is alive.</param>
    public bool IsAnnounced(DateTime? diedAt) => diedAt is null || DateTime.UtcNow - diedAt < announcementExpiry;

    /// <summary>The command that every meta node dies of, now and at each start; null while all is well.</summary>
    public string? Poison { get; private set; }

    /// <summary>Who leads; null where nobody does: more than half of the meta nodes must run. A lost leader is replaced after a while.</summary>
    public EmulatedMetaNode? Leader
    {
        get
        {
            lock (gate)
            {
                if (MetaNodes.Count(n => n.IsRunning) <= MetaNodes.Count / 2)
                {
                    SetLeader(null);
                    return null;
                }

                if (leader is { IsRunning: true })
                {
                    return leader;
                }

                SetLeader(null);
                electionAt ??= DateTime.UtcNow + electionTime;
                if (electionAt <= DateTime.UtcNow)
                {
                    SetLeader(MetaNodes.Find(n => n.IsRunning && !n.IsLagging));
                }

                return leader;
            }
        }
    }

    /// <summary>Makes a node the leader; none and no election if null.</summary>
    public void Elect(EmulatedMetaNode? node)
    {
        lock (gate)
        {
            SetLeader(node);
            electionAt = node is null ? DateTime.MaxValue : null;
        }
    }

    /// <summary>Carries a command out.</summary>
    /// <returns>The server's text where it is refused, else null. The index is raised in any case.</returns>
    public string? Execute(byte[] command)
    {
        lock (gate)
        {
            try
            {
                metadata.Edit(data => MetaCommands.Apply(data, command));
                return null;
            }
            catch (MetaCommandRefusedException e)
            {
                metadata.Edit(_ => { });
                return e.Message;
            }
            catch (ProtoException e)
            {
                Poison = e.Message;
                throw;
            }
        }
    }

    /// <summary>Takes a lease or prolongs it.</summary>
    public (bool IsTaken, DateTime Expires, ulong Owner) TakeLease(string name, ulong node)
    {
        lock (gate)
        {
            if (leases.TryGetValue(name, out var lease) && lease.Owner != node && lease.Expires > DateTime.UtcNow)
            {
                return (false, lease.Expires, lease.Owner);
            }

            lease = leases[name] = (DateTime.UtcNow + LeaseTime, node);
            return (true, lease.Expires, lease.Owner);
        }
    }

    /// <summary>Leases live in the memory of a leader.</summary>
    private void SetLeader(EmulatedMetaNode? node)
    {
        if (!ReferenceEquals(leader, node))
        {
            leases.Clear();
            leader = node;
        }

        electionAt = node is null ? electionAt : null;
    }
}
