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
/// <para>
/// A shard that several targets take pieces of stays unpacked for a while, and those targets are best asked for one after another
/// (<see cref="ChooseNext"/>). Apart from that each attempt starts from the other source again: it is local.
/// </para>
/// </remarks>
public sealed class ReshardingSource : IShardSource, IDisposable
{
    private readonly IShardSource inner;
    private readonly ShardPlacement placement;
    private readonly IReadOnlySet<ShardKey> withTombstones;
    private readonly ILogger logger;
    private readonly string? temporary;
    private readonly Dictionary<ShardKey, TargetShard> targets;
    private readonly Dictionary<ShardKey, TsmSelection> unplaced;
    private readonly ConcurrentDictionary<ShardKey, long> applied = new();
    private readonly StagedShardPool pool;

    /// <summary>The deletes of a million series take memory, and rewriting keeps a processor busy: one shard at a time.</summary>
    private readonly SemaphoreSlim rewriting = new(1);

    /// <param name="inner">Where the archives come from.</param>
    /// <param name="placement">What goes where; all of it, also when only some of its targets are asked for.</param>
    /// <param name="withTombstones">The shards of the source whose archives hold tombstones.</param>
    /// <param name="logger">Takes what happens on the way.</param>
    /// <param name="temporary">Where shards are unpacked; the system's place for temporary files unless given.</param>
    public ReshardingSource(
        IShardSource inner, ShardPlacement placement, IReadOnlySet<ShardKey> withTombstones, ILogger logger, string? temporary = null)
    {
        this.inner = inner;
        this.placement = placement;
        this.withTombstones = withTombstones;
        this.logger = logger;
        this.temporary = temporary;
        targets = placement.Targets.ToDictionary(t => t.Key);
        unplaced = placement.Unplaced.Select(u => u.Source).Distinct().ToDictionary(s => s, s => TimesWithoutPlace(placement, s));
        pool = new StagedShardPool(UnpackAsync, placement.Targets.SelectMany(t => t.Sources).GroupBy(s => s).ToDictionary(s => s.Key, s => s.Count()));
    }

    /// <inheritdoc/>
    public int PreferredParallelism => inner.PreferredParallelism;

    /// <summary>What the files of a target shard are called; asked at each attempt. As at the source unless given.</summary>
    public Func<ShardKey, FileNumbering> Numbering { get; init; } = _ => FileNumbering.Keep;

    /// <summary>
    /// How many deletes were applied to what went into a target shard, in ranges of time of a series' field; 0 where there were none. One that
    /// applies to several pieces counts for each.
    /// </summary>
    public long AppliedTo(ShardKey shard) => applied.GetValueOrDefault(shard);

    /// <summary>One that takes of what is unpacked already.</summary>
    public int ChooseNext(IReadOnlyList<ShardTask> waiting)
    {
        for (var i = 0; i < waiting.Count; i++)
        {
            if (targets.TryGetValue(waiting[i].Shard, out var target) && target.Sources.Any(pool.Holds))
            {
                return i;
            }
        }

        return 0;
    }

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

        var assembly = new AssembledShard(logger, temporary);
        try
        {
            foreach (var pieces in target.Pieces.GroupBy(p => p.Source))
            {
                if (pool.IsShared(pieces.Key))
                {
                    await pool.UseAsync(pieces.Key, unpacked => RewriteAsync(pieces, unpacked, assembly.TakeFrom, cancel), cancel).ConfigureAwait(false);
                }
                else
                {
                    var unpacked = await UnpackAsync(pieces.Key, cancel).ConfigureAwait(false);
                    assembly.Keep(unpacked.Files);
                    await RewriteAsync(pieces, unpacked, assembly.TakeOver, cancel).ConfigureAwait(false);
                }
            }

            applied[shard] = assembly.Deletes;
            logger.LogInformation("{Shard} is made of {Sources} ({Deletes} deletes applied).", shard, string.Join(", ", target.Sources), assembly.Deletes);
            return new ShardStream(new StagedShardStream(shard, assembly.Name(numbering), assembly)) { Warnings = assembly.Warnings.Distinct().ToList(), IsHashed = false };
        }
        catch
        {
            assembly.Dispose();
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
    public void Dispose()
    {
        pool.Dispose();
        rewriting.Dispose();
    }

    private TargetShard TargetOf(ShardKey shard) => targets.GetValueOrDefault(shard) ?? new TargetShard(shard, [], [ShardPiece.Whole(shard)]);

    private bool PassesThrough(TargetShard target) => target.IsOneWhole && !withTombstones.Contains(target.Pieces[0].Source);

    private async Task<UnpackedShard> UnpackAsync(ShardKey shard, CancellationToken cancel)
    {
        var files = new StagedShard(shard, StagedShard.IsPartOfUpload, logger, temporary);
        try
        {
            var stream = await inner.OpenAsync(shard, cancel).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                using var archive = new GuardedArchive(shard, stream, shard.ToString());
                await files.UnpackAsync(archive, cancel).ConfigureAwait(false);
                await inner.ConfirmAsync(shard, archive.Result!, cancel).ConfigureAwait(false);
                return new UnpackedShard(files, [.. stream.Warnings, .. archive.Result!.Warnings]);
            }
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    private async Task RewriteAsync(
        IEnumerable<ShardPiece> pieces, UnpackedShard unpacked, Action<UnpackedShard, TsmSelection, CancellationToken> rewrite, CancellationToken cancel)
    {
        var all = pieces.ToList();
        await rewriting.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            ThrowIfUnplaced(all[0].Source, unpacked.Files, cancel);
            rewrite(unpacked, TsmSelection.Of(all.Select(p => p.Times ?? TimeRange.Everything), all[0].Slot, all[0].Slots), cancel);
        }
        finally
        {
            rewriting.Release();
        }
    }

    private void ThrowIfUnplaced(ShardKey source, StagedShard files, CancellationToken cancel)
    {
        if (!unplaced.TryGetValue(source, out var times) || files.CountPoints(times, [], cancel) is not (> 0 and var points))
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

    /// <summary>All times but those of some piece.</summary>
    private static TsmSelection TimesWithoutPlace(ShardPlacement placement, ShardKey source)
    {
        var placed = placement.Targets.SelectMany(t => t.Pieces).Where(p => p.Source == source).Select(p => p.Times ?? TimeRange.Everything).Distinct();
        return TsmSelection.Of(TsmSelection.Of(placed).LeftOutTimes.ToArray());
    }
}
