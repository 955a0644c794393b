using InfluxBackup.Metadata;

namespace InfluxBackup.Cluster;

/// <summary>What the attempts at one shard have shown so far. Attempts at a shard follow each other; nothing here is for two threads.</summary>
internal sealed class ShardAttempts(ShardKey shard, IReadOnlyList<ShardCopy> copies)
{
    private readonly Dictionary<ulong, (int Count, InfluxBackupException Last)> failures = [];

    /// <summary>The copies as they are known by now.</summary>
    public IReadOnlyList<ShardCopy> Copies { get; private set; } = copies;

    /// <summary>The copy that is being read, or was read last.</summary>
    public ShardCopy? Current { get; set; }

    /// <summary>Whether <see cref="Current"/> was read to its end and confirmed.</summary>
    public bool IsConfirmed { get; set; }

    /// <summary>The node on which a connection is set aside for this shard.</summary>
    public DataNodeGate? Reservation { get; set; }

    public int Failures(ShardCopy copy) => failures.TryGetValue(copy.NodeId, out var failed) ? failed.Count : 0;

    public void Fail(ShardCopy copy, InfluxBackupException error) => failures[copy.NodeId] = (Failures(copy) + 1, error);

    /// <summary>A node turned out to have the shard, not to have it (null), or to have nothing in it (0 bytes).</summary>
    public void Learn(ShardCopy copy, bool isHeld, long? size) =>
        Copies = Copies.Select(c => c.NodeId == copy.NodeId ? c with { IsHeld = isHeld, Size = size } : c).ToList();

    /// <summary>Why the shard could not be had: the one owner's error, or all owners with theirs.</summary>
    public InfluxBackupException Explain()
    {
        var known = Copies.Where(c => failures.ContainsKey(c.NodeId)).Select(c => (Copy: c, failures[c.NodeId].Last)).ToList();
        if (Copies.Count == 1 && known.Count == 1)
        {
            return known[0].Last;
        }

        var reasons = Copies.Select(c =>
            failures.TryGetValue(c.NodeId, out var failed) ? $"{c.Node}: {failed.Last.Message}"
            : c.Node is null ? $"node {c.NodeId} is not in the cluster any more"
            : c.IsHeld == false ? $"{c.Node} does not have it"
            : $"{c.Node} has nothing in it");
        return new InfluxBackupException(
            "NoOwnerGaveShard",
            known.Count > 0 && known.TrueForAll(k => k.Last.Kind == ErrorKind.Connection) ? ErrorKind.Connection : ErrorKind.InvalidData,
            $"No owner could give {shard}. {string.Join("; ", reasons)}",
            known.Count > 0 ? known[^1].Last : null)
        {
            Subject = shard.ToString(),
            Remedy = known.Select(k => k.Last.Remedy).FirstOrDefault(r => r is not null),
            IsTransient = known.Exists(k => k.Last.IsTransient),
        };
    }
}
