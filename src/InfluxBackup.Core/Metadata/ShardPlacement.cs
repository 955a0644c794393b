using InfluxBackup.Tsm;

namespace InfluxBackup.Metadata;

/// <summary>
/// Which part of which shard of a source belongs into which shard of a target, where both have shard groups of their own: other lengths,
/// other beginnings, another number of shards in a group. The target must have its groups; those that it lacks are named, so that
/// they can be made and the placement be asked for again.
/// </summary>
/// <remarks>
/// <para>
/// By time: each point goes into the group that the target's server would choose for it. By series: into the shard of that group that the
/// series hashes to (<see cref="SeriesSlot"/>). A source shard is taken whole where that comes to the same: its group lies within one
/// group of the target, and the number of shards in that divides the number of shards in its own.
/// </para>
/// <para>
/// Nothing of a source is left out. Points outside of the times of their own group, which a server stores when they are uploaded and shows
/// only to queries that touch the group, go with the nearest piece of their shard: the first piece in time takes all that is
/// earlier, the last one all that is later. So they stay as visible as they were, and a group's times never depend on stray points. A series in a
/// shard that it does not hash to goes where it hashes to, or with the shard where that is taken whole. Only points of times that the target has no
/// group for have no place; those times are in <see cref="Unplaced"/>.
/// </para>
/// <para>
/// Groups of the source are taken as what they hold, deleted or not, and truncated ones whole: they may have points behind that time from
/// before. Of source groups that overlap the younger one, with the higher id, is the newer.
/// </para>
/// </remarks>
public sealed class ShardPlacement
{
    private ShardPlacement(IReadOnlyList<TargetShard> targets, IReadOnlyList<UnplacedTimes> unplaced, IEnumerable<MissingShardGroup> missing)
    {
        Targets = targets;
        Unplaced = unplaced;
        MissingGroups = missing;
    }

    /// <summary>No shard goes anywhere else.</summary>
    public static ShardPlacement None { get; } = new([], [], []);

    /// <summary>The shards of the target that take something, in the order of its metadata.</summary>
    public IReadOnlyList<TargetShard> Targets { get; }

    /// <summary>Times of the sources for which the target has no group.</summary>
    public IReadOnlyList<UnplacedTimes> Unplaced { get; }

    /// <summary>
    /// The groups to make so that <see cref="Unplaced"/> becomes empty: one for each that a server would make, as its policy stands now.
    /// A server may make a group shorter, beside others; so look again afterwards. Found one by one, as strange metadata can ask for millions.
    /// </summary>
    public IEnumerable<MissingShardGroup> MissingGroups { get; }

    /// <summary>Whether there is a place for every time of every source.</summary>
    public bool IsComplete => Unplaced.Count == 0;

    /// <summary>Each shard goes whole into one that was made for it.</summary>
    public static ShardPlacement OfWhole(IEnumerable<(ShardKey Source, ShardKey Target)> shards) =>
        new(shards.Select(s => new TargetShard(s.Target, [], [ShardPiece.Whole(s.Source)])).ToList(), [], []);

    /// <summary>Finds the places.</summary>
    /// <param name="source">Metadata that the shards come from.</param>
    /// <param name="shards">The shards of the source that are wanted.</param>
    /// <param name="target">Metadata of the target, with the groups that it has.</param>
    /// <param name="targetOf">The target's database and policy for a shard; those of the same names unless given.</param>
    /// <param name="times">
    /// The first and the last time that a shard has points of, where that is known: groups are not asked for where there are none. The whole
    /// time of its group unless given.
    /// </param>
    /// <exception cref="InfluxBackupException">A shard is not in the metadata that it should come from.</exception>
    public static ShardPlacement Create(
        ServerMetadata source,
        IEnumerable<ShardKey> shards,
        ServerMetadata target,
        Func<ShardKey, (string Database, string RetentionPolicy)>? targetOf = null,
        IReadOnlyDictionary<ShardKey, TimeRange>? times = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        targetOf ??= shard => (shard.Database, shard.RetentionPolicy);
        var builder = new Builder(target);
        foreach (var shard in Find(source, shards.ToHashSet()))
        {
            var (database, policy) = targetOf(shard.Key);
            var all = ShardGroupTimeline.TimesOf(shard.Group);
            if (all.Min > all.Max)
            {
                // A group without times: what is in its shards is there by accident, and stays together.
                all = new TimeRange(all.Min, all.Min);
            }

            builder.Place(shard, times?.TryGetValue(shard.Key, out var known) == true ? Within(known, all) : all, database, policy);
        }

        return builder.ToPlacement();
    }

    /// <summary>The shards with their groups, older groups first.</summary>
    private static List<SourceShard> Find(ServerMetadata source, HashSet<ShardKey> wanted)
    {
        var found = new List<SourceShard>();
        foreach (var database in source.Databases)
        {
            foreach (var policy in database.RetentionPolicies)
            {
                foreach (var group in policy.ShardGroups)
                {
                    for (var slot = 0; slot < group.Shards.Count; slot++)
                    {
                        var key = new ShardKey(database.Name, policy.Name, group.Shards[slot].ID);
                        if (wanted.Remove(key))
                        {
                            found.Add(new SourceShard(key, group, slot));
                        }
                    }
                }
            }
        }

        return wanted.Count == 0
            ? found.OrderBy(s => s.Group.ID).ThenBy(s => s.Slot).ToList()
            : throw new InfluxBackupException("ShardNotInMetadata", ErrorKind.InvalidData, $"The metadata do not name {wanted.Order().First()}.") { Subject = wanted.Order().First().ToString() };
    }

    /// <summary>Points that are outside of their group do not count; where there are no others, their group does.</summary>
    private static TimeRange Within(TimeRange known, TimeRange group)
    {
        var times = new TimeRange(Math.Max(known.Min, group.Min), Math.Min(known.Max, group.Max));
        return times.Min <= times.Max ? times : group;
    }

    private sealed record SourceShard(ShardKey Key, ShardGroupInfo Group, int Slot);

    private sealed class Builder(ServerMetadata target)
    {
        private readonly Dictionary<(string Database, string RetentionPolicy), ShardGroupTimeline> timelines = [];
        private readonly Dictionary<ShardKey, List<ShardPiece>> pieces = [];
        private readonly List<UnplacedTimes> unplaced = [];

        public void Place(SourceShard shard, TimeRange times, string database, string policy)
        {
            var timeline = TimelineOf(database, policy);
            var parts = timeline.Parts(times).ToList();
            var gaps = timeline.Gaps(times).ToList();
            unplaced.AddRange(gaps.Select(gap => new UnplacedTimes(shard.Key, database, policy, gap)));

            // Stray points go with the nearest piece, unless what is nearest is a gap.
            for (var i = 0; i < parts.Count; i++)
            {
                var (part, group) = parts[i];
                var min = i == 0 && part.Min == times.Min ? long.MinValue : part.Min;
                var max = i == parts.Count - 1 && part.Max == times.Max ? long.MaxValue : part.Max;
                var taken = new TimeRange(min, max);
                Place(shard, taken == TimeRange.Everything ? null : taken, group, database, policy);
            }
        }

        public ShardPlacement ToPlacement()
        {
            var targets = new List<TargetShard>();
            foreach (var database in target.Databases)
            {
                foreach (var policy in database.RetentionPolicies)
                {
                    foreach (var shard in policy.ShardGroups.SelectMany(g => g.Shards))
                    {
                        var key = new ShardKey(database.Name, policy.Name, shard.ID);
                        if (pieces.Remove(key, out var taken))
                        {
                            var owners = shard.OwnerIDs.Count > 0 ? shard.OwnerIDs.ToList() : shard.Owners.Select(o => o.NodeID).ToList();
                            targets.Add(new TargetShard(key, owners, taken));
                        }
                    }
                }
            }

            return new ShardPlacement(targets, unplaced, Missing());
        }

        private void Place(SourceShard shard, TimeRange? times, ShardGroupInfo group, string database, string policy)
        {
            var slots = group.Shards.Count;

            // A number that leaves some remainder when divided by six leaves that one's remainder when divided by three.
            if (times is null && shard.Group.Shards.Count % slots == 0)
            {
                Add(group.Shards[shard.Slot % slots].ID, ShardPiece.Whole(shard.Key));
                return;
            }

            for (var slot = 0; slot < slots; slot++)
            {
                Add(group.Shards[slot].ID, new ShardPiece(shard.Key, times, slot, slots));
            }

            void Add(ulong id, ShardPiece piece)
            {
                var key = new ShardKey(database, policy, id);
                if (!pieces.TryGetValue(key, out var list))
                {
                    pieces.Add(key, list = []);
                }

                list.Add(piece);
            }
        }

        private IEnumerable<MissingShardGroup> Missing() =>
            unplaced.GroupBy(u => (u.Database, u.RetentionPolicy)).SelectMany(policy =>
            {
                var info = target.FindDatabase(policy.Key.Database)?.RetentionPolicies.FirstOrDefault(p => p.Name == policy.Key.RetentionPolicy);
                return Union(policy.Select(u => u.Times))
                    .SelectMany(times => ShardGroupTimeline.GroupsFor(times, info?.ShardGroupDuration ?? 0))
                    .Select(time => new MissingShardGroup(policy.Key.Database, policy.Key.RetentionPolicy, time));
            });

        private ShardGroupTimeline TimelineOf(string database, string policy)
        {
            if (!timelines.TryGetValue((database, policy), out var timeline))
            {
                var info = target.FindDatabase(database)?.RetentionPolicies.FirstOrDefault(p => p.Name == policy);
                timelines.Add((database, policy), timeline = new ShardGroupTimeline(info?.ShardGroups ?? []));
            }

            return timeline;
        }

        private static List<TimeRange> Union(IEnumerable<TimeRange> ranges)
        {
            var union = new List<TimeRange>();
            foreach (var range in ranges.OrderBy(r => r.Min))
            {
                if (union.Count > 0 && range.Min <= union[^1].Max + 1)
                {
                    union[^1] = new TimeRange(union[^1].Min, Math.Max(union[^1].Max, range.Max));
                }
                else
                {
                    union.Add(range);
                }
            }

            return union;
        }
    }
}
