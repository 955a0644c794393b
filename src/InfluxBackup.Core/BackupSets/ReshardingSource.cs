using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Gives the shards of a target, made of those of another source: each of the pieces that a <see cref="ShardPlacement"/> names, without
/// deleted points. A server that is given a shard ignores tombstone files, and deleted points would be back; so they are taken out of the file
/// that each tombstone belongs to, before files of several shards come together. A shard that the placement does not name is the
/// source's shard of that name.
/// </summary>
/// <remarks>
/// <para>
/// What is one whole shard without deletes passes through untouched, under the names that its source gives
/// (<see cref="ShardStream.ContentKey"/>). Everything else is unpacked into a temporary directory that goes with the stream, and there only
/// the files that hold unwanted points are rewritten. Files of several shards are numbered one after another, older shards first, so that the
/// order of names stays that of age.
/// </para>
/// <para>Each attempt starts from the other source again: it is local. It may be asked for the same shard several times, once for each of its pieces.</para>
/// </remarks>
/// <param name="inner">Where the archives come from.</param>
/// <param name="placement">What goes where; all of it, also when only some of its targets are asked for.</param>
/// <param name="withTombstones">The shards of the source whose archives hold tombstones.</param>
/// <param name="logger">Takes what happens on the way.</param>
/// <param name="temporary">Where shards are unpacked; the system's place for temporary files unless given.</param>
public sealed class ReshardingSource(
    IShardSource inner, ShardPlacement placement, IReadOnlySet<ShardKey> withTombstones, ILogger logger, string? temporary = null) : IShardSource, IDisposable
{
    private readonly Dictionary<ShardKey, TargetShard> targets = placement.Targets.ToDictionary(t => t.Key);
    private readonly Dictionary<ShardKey, TsmSelection> unplaced = placement.Unplaced.Select(u => u.Source).Distinct().ToDictionary(s => s, s => TimesWithoutPlace(placement, s));
    private readonly ConcurrentDictionary<ShardKey, long> applied = new();

    /// <summary>The deletes of a million series take memory, and rewriting keeps a processor busy: one shard at a time.</summary>
    private readonly SemaphoreSlim rewriting = new(1);

    /// <inheritdoc/>
    public int PreferredParallelism => inner.PreferredParallelism;

    /// <summary>What the files of a target shard are called; asked at each attempt. As at the source unless given.</summary>
    public Func<ShardKey, FileNumbering> Numbering { get; init; } = _ => FileNumbering.Keep;

    /// <summary>
    /// How many deletes were applied to what went into a target shard, in ranges of time of a series' field; 0 where there were none. One that
    /// applies to several pieces counts for each.
    /// </summary>
    public long AppliedTo(ShardKey shard) => applied.GetValueOrDefault(shard);

    /// <inheritdoc/>
    /// <exception cref="InfluxBackupException">
    /// A file is damaged, the disk can't take what is unpacked, or a source has points of times for which the target has no shard group
    /// (<c>PointsWithoutShard</c>, with their number).
    /// </exception>
    public async Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var target = TargetOf(shard);
        var numbering = Numbering(shard);
        if (PassesThrough(target) && numbering.KeepsNames)
        {
            var source = target.Pieces[0].Source;
            var stream = await inner.OpenAsync(source, cancel).ConfigureAwait(false);
            return stream with { ContentKey = stream.ContentKey ?? source };
        }

        var sources = new StagedSources();
        try
        {
            var warnings = new List<string>();
            var deletes = 0L;
            foreach (var pieces in target.Pieces.GroupBy(p => p.Source))
            {
                var staged = new StagedShard(pieces.Key, StagedShard.IsPartOfUpload, logger, temporary);
                sources.Add(staged);
                warnings.AddRange(await UnpackAsync(pieces.Key, staged, cancel).ConfigureAwait(false));
                await rewriting.WaitAsync(cancel).ConfigureAwait(false);
                try
                {
                    ThrowIfUnplaced(pieces.Key, staged, warnings, cancel);
                    deletes += staged.Cut(SelectionOf(pieces), warnings, cancel);
                }
                finally
                {
                    rewriting.Release();
                }
            }

            applied[shard] = deletes;
            logger.LogInformation("{Shard} is made of {Sources} ({Deletes} deletes applied).", shard, string.Join(", ", target.Sources), deletes);
            return new ShardStream(new StagedShardStream(shard, sources.Name(numbering), sources)) { Warnings = warnings, IsHashed = false };
        }
        catch
        {
            sources.Dispose();
            throw;
        }
    }

    /// <summary>What was unpacked was confirmed before; what passes through is the source's to confirm.</summary>
    public Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var target = TargetOf(shard);
        return PassesThrough(target) && Numbering(shard).KeepsNames ? inner.ConfirmAsync(target.Pieces[0].Source, archive, cancel) : Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => rewriting.Dispose();

    private TargetShard TargetOf(ShardKey shard) => targets.GetValueOrDefault(shard) ?? new TargetShard(shard, [], [ShardPiece.Whole(shard)]);

    private bool PassesThrough(TargetShard target) => target.IsOneWhole && !withTombstones.Contains(target.Pieces[0].Source);

    private async Task<IReadOnlyList<string>> UnpackAsync(ShardKey shard, StagedShard staged, CancellationToken cancel)
    {
        var stream = await inner.OpenAsync(shard, cancel).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using var archive = new GuardedArchive(shard, stream, shard.ToString());
            await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
            await inner.ConfirmAsync(shard, archive.Result!, cancel).ConfigureAwait(false);
            return [.. stream.Warnings, .. archive.Result!.Warnings];
        }
    }

    private void ThrowIfUnplaced(ShardKey source, StagedShard staged, List<string> warnings, CancellationToken cancel)
    {
        if (!unplaced.TryGetValue(source, out var times) || staged.CountPoints(times, warnings, cancel) is not (> 0 and var points))
        {
            return;
        }

        var first = placement.Unplaced.First(u => u.Source == source);
        throw new InfluxBackupException(
            "PointsWithoutShard", ErrorKind.InvalidData,
            $"{points} points of {source} would be lost: {first.Database}.{first.RetentionPolicy} has no shard group for their times, for instance from {ShardTime.ToDateTime(first.Times.Min):O} on.")
        {
            Subject = source.ToString(),
            Remedy = "Nothing of the shard was sent. Check that the retention policy exists at the target and keeps points of that age, and try again.",
        };
    }

    private static TsmSelection SelectionOf(IEnumerable<ShardPiece> pieces)
    {
        var all = pieces.ToList();
        return TsmSelection.Of(all.Select(p => p.Times ?? TimeRange.Everything), all[0].Slot, all[0].Slots);
    }

    /// <summary>All times but those of some piece.</summary>
    private static TsmSelection TimesWithoutPlace(ShardPlacement placement, ShardKey source)
    {
        var placed = placement.Targets.SelectMany(t => t.Pieces).Where(p => p.Source == source).Select(p => p.Times ?? TimeRange.Everything).Distinct();
        return TsmSelection.Of(TsmSelection.Of(placed).LeftOutTimes.ToArray());
    }

    /// <summary>The shards that a target is made of, older ones first.</summary>
    private sealed class StagedSources : IDisposable
    {
        private readonly List<StagedShard> shards = [];

        public void Add(StagedShard shard) => shards.Add(shard);

        public List<(string Path, string Name, DateTime Modified)> Name(FileNumbering numbering)
        {
            var names = numbering.Name(shards.Select(s => s.TsmFiles).ToList());
            return shards.SelectMany((shard, i) => shard.TsmFiles.Zip(names[i], (old, name) => (shard.Find(old).Path, name, shard.Find(old).Modified))).ToList();
        }

        public void Dispose() => shards.ForEach(s => s.Dispose());
    }
}
