namespace InfluxBackup.Cluster;

/// <summary>What a run has learned of an owner, with respect to one shard.</summary>
/// <param name="Failures">Attempts to read the shard there that failed.</param>
/// <param name="IsDown">The node does not answer at the moment.</param>
/// <param name="Load">Shards being read from the node or about to be.</param>
public readonly record struct OwnerStatus(int Failures, bool IsDown, int Load);

/// <summary>
/// Decides from which of its owners a shard is read. Copies are brought together by the cluster with delay: one may lack points, lag
/// behind, or be empty on a node that was replaced. An owner with nothing is no choice while another has something, however often that
/// other one fails: an empty archive would be a gap in the backup that nobody notices.
/// </summary>
public static class OwnerChoice
{
    /// <summary>Copies that were written to within this time of each other are equally fresh: a write reaches them one after another.</summary>
    public static readonly TimeSpan SameAge = TimeSpan.FromMinutes(1);

    /// <summary>So often a good copy is tried before one that lags behind is taken instead.</summary>
    public const int PatienceWithGoodCopies = 3;

    /// <summary>The copies to try now, best first. Empty where no node is left that could have anything.</summary>
    /// <param name="copies">All copies of the shard.</param>
    /// <param name="isPreferred">Whether the user prefers the copy's node.</param>
    /// <param name="status">What is known of a copy's node.</param>
    public static IReadOnlyList<ShardCopy> Order(
        IReadOnlyList<ShardCopy> copies, Func<ShardCopy, bool> isPreferred, Func<ShardCopy, OwnerStatus> status)
    {
        var candidates = copies.Where(c => c.Node is not null).ToList();
        if (candidates.Exists(c => !c.IsEmpty))
        {
            candidates.RemoveAll(c => c.IsEmpty);
        }

        var ranked = candidates.Select(c => (Copy: c, Status: status(c), IsPreferred: isPreferred(c), IsPoor: !isPreferred(c) && LagsBehind(c, candidates))).ToList();
        var isPatient = ranked.Exists(r => !r.IsPoor && !r.Status.IsDown && r.Status.Failures < PatienceWithGoodCopies);
        return ranked
            .Where(r => !(r.IsPoor && isPatient))
            .OrderBy(r => r.Status.IsDown)
            .ThenBy(r => r.Status.Failures + (r.IsPoor ? PatienceWithGoodCopies : 0))
            .ThenBy(r => r.Status.Failures)
            .ThenByDescending(r => r.IsPreferred)
            .ThenByDescending(r => r.Copy.IsHeld is not false)
            .ThenBy(r => r.Status.Load)
            .ThenByDescending(r => r.Copy.LastModified ?? 0)
            .ThenBy(r => r.Copy.NodeId)
            .Select(r => r.Copy)
            .ToList();
    }

    /// <summary>
    /// Whether a copy seems to have less than another: not half as large, or older and not of the same size. Compactions change times
    /// and sizes too, so this is a reason to look elsewhere first, not a proof.
    /// </summary>
    public static bool LagsBehind(ShardCopy copy, IReadOnlyList<ShardCopy> copies)
    {
        var known = copies.Where(c => c.Size > 0).ToList();
        if (copy.Size is not > 0 || known.Count < 2)
        {
            return copy.IsEmpty && copies.Any(c => !c.IsEmpty);
        }

        var half = known.Max(c => c.Size) / 2;
        if (copy.Size < half)
        {
            return true;
        }

        // A node that was replaced and is filling up again has the freshest copy, and not much in it.
        var newest = known.Where(c => c.Size >= half).MaxBy(c => c.LastModified ?? 0)!;
        return newest.Size != copy.Size && copy.LastModified < newest.LastModified - (SameAge.Ticks * 100);
    }
}
