using System.Collections.Concurrent;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm.Merging;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cluster;

/// <summary>
/// Shards of a cluster, each with every point that any of its owners has: all copies are read one after another, the freshest last, and
/// merged. An owner that does not give its copy after some attempts is left out with a warning, as long as one does; what only it has is
/// then missing, and the shard counts as changed in the next backup.
/// </summary>
/// <param name="owners">Gives single copies.</param>
/// <param name="temporary">Where copies are unpacked; the system's place for temporary files unless given.</param>
public sealed class AllOwnersSource(ClusterShardSource owners, ILogger logger, string? temporary = null) : IOwnedShardSource
{
    private const int AttemptsPerOwner = 3;

    private readonly ConcurrentDictionary<ShardKey, ShardReading> readings = new();

    /// <inheritdoc/>
    public int PreferredParallelism => owners.PreferredParallelism;

    /// <inheritdoc/>
    public int ChooseNext(IReadOnlyList<ShardTask> waiting) => owners.ChooseNext(waiting);

    /// <inheritdoc/>
    public IReadOnlyList<ShardCopy> TakenFrom(ShardKey shard) =>
        readings.TryGetValue(shard, out var reading) && reading.IsConfirmed ? reading.Taken : [];

    /// <inheritdoc/>
    public IReadOnlyList<ShardCopy> CopiesOf(ShardKey shard) => owners.CopiesOf(shard);

    /// <inheritdoc/>
    public async Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var reading = readings.GetOrAdd(shard, _ => new ShardReading());
        reading.Taken.Clear();
        var warnings = new List<string>();
        using var copies = new MergedCopies(shard, logger, temporary);
        foreach (var copy in owners.CopiesOf(shard).Where(c => c.Node is not null && !c.IsEmpty).OrderBy(c => c.LastModified ?? 0).ThenBy(c => c.NodeId).ToList())
        {
            if (!reading.IsGivenUp(copy) && await ReadAsync(shard, copy, copies, reading, warnings, cancel).ConfigureAwait(false))
            {
                reading.Taken.Add(copy);
            }
            else if (reading.IsGivenUp(copy))
            {
                warnings.Add($"What only {copy.Node} has of {shard} is not in the backup: {reading.Failures[copy.NodeId].Last.Message}");
            }
        }

        if (reading.Taken.Count == 0)
        {
            // Nobody has anything, or nobody gave it: reading it from any one owner is the way to find out.
            return await OpenEmptyAsync(shard, reading, cancel).ConfigureAwait(false);
        }

        var (stream, report) = await Task.Run(() => copies.Merge(cancel), cancel).ConfigureAwait(false);
        return new ShardStream(stream.Content) { Warnings = [.. warnings, .. stream.Warnings, .. Differences(shard, report)] };
    }

    /// <inheritdoc/>
    public async Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        if (readings[shard].Taken.Count == 0)
        {
            await owners.ConfirmAsync(shard, archive, cancel).ConfigureAwait(false);
            readings[shard].Taken.AddRange(owners.TakenFrom(shard));
        }

        readings[shard].IsConfirmed = true;
    }

    /// <summary>Unpacks the copy of one owner. False where the owner turns out not to have it.</summary>
    private async Task<bool> ReadAsync(
        ShardKey shard, ShardCopy copy, MergedCopies copies, ShardReading reading, List<string> warnings, CancellationToken cancel)
    {
        var isBegun = false;
        try
        {
            var stream = await owners.OpenFromAsync(shard, copy, cancel).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                isBegun = true;
                using var archive = new GuardedArchive(shard, stream, $"{shard} from {copy.Node}");
                await copies.AddAsync(archive, copy.Node!.ToString(), cancel).ConfigureAwait(false);
                await owners.ConfirmFromAsync(shard, copy, archive.Result!, cancel).ConfigureAwait(false);
                warnings.AddRange(stream.Warnings);
                return true;
            }
        }
        catch (InfluxBackupException) when (owners.CopiesOf(shard).Any(c => c.NodeId == copy.NodeId && c.IsHeld == false))
        {
            return false;
        }
        catch (InfluxBackupException e)
        {
            reading.Failures[copy.NodeId] = (reading.Failures.GetValueOrDefault(copy.NodeId).Count + 1, e);
            if (!isBegun && reading.IsGivenUp(copy))
            {
                return false;
            }

            // Half of it may be unpacked among the others: the whole attempt begins anew.
            throw new InfluxBackupException(e.Id, e.Kind, e.Message, e) { Subject = e.Subject, Remedy = e.Remedy, IsTransient = e.Kind is not ErrorKind.Write };
        }
    }

    private async Task<ShardStream> OpenEmptyAsync(ShardKey shard, ShardReading reading, CancellationToken cancel) =>
        reading.Failures.Count > 0 ? throw owners.NothingFrom(shard) : await owners.OpenAsync(shard, cancel).ConfigureAwait(false);

    private static IEnumerable<string> Differences(ShardKey shard, ShardMergeReport report)
    {
        if (!report.Agree)
        {
            yield return $"The owners of {shard} differed: of {report.Points} points some owner lacked {report.Missing}, and {report.Different} had different values, of which the freshest copy's were taken."
                + (report.OfOtherType > 0 ? $" {report.OfOtherType} points are left out because their field has another type in the freshest copy." : "");
        }
    }

    /// <summary>How far one shard is.</summary>
    private sealed class ShardReading
    {
        public List<ShardCopy> Taken { get; } = [];

        public Dictionary<ulong, (int Count, InfluxBackupException Last)> Failures { get; } = [];

        public bool IsConfirmed { get; set; }

        /// <summary>A node that did not answer when it was first asked gets one chance.</summary>
        public bool IsGivenUp(ShardCopy copy) =>
            Failures.TryGetValue(copy.NodeId, out var failed) && failed.Count >= (copy.IsHeld is null ? 1 : AttemptsPerOwner);
    }
}
