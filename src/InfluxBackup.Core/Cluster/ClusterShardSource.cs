using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cluster;

/// <summary>What a cluster's source is asked to do.</summary>
public sealed record ClusterShardSourceOptions
{
    /// <summary>The copies of each shard, see <see cref="OwnerChoice"/>.</summary>
    public required IReadOnlyDictionary<ShardKey, IReadOnlyList<ShardCopy>> Copies { get; init; }

    /// <summary>One source for each data node, by the node's address.</summary>
    public required IReadOnlyDictionary<DataNodeAddress, LiveShardSource> Nodes { get; init; }

    /// <summary>Nodes to read from where they have a shard.</summary>
    public IReadOnlyCollection<DataNodeAddress> Preferred { get; init; } = [];

    public int ConnectionsPerNode { get; init; } = 2;

    /// <summary>Shards of which there were points once. That none of their owners has anything now is not because nobody ever wrote.</summary>
    public IReadOnlySet<ShardKey> InSet { get; init; } = new HashSet<ShardKey>();
}

/// <summary>
/// Shards of a cluster, each from one of its owners. Every attempt chooses anew: an attempt that failed, also in the middle of a shard,
/// counts against its owner, and the next one is made with the best of the others, from the first byte. A shard that all owners were asked
/// for and none of them has was never written to and is skipped; an owner that could not be asked leaves that open, which is an error.
/// </summary>
public sealed class ClusterShardSource : IOwnedShardSource, IDisposable
{
    private const int MostParallelism = 16;

    /// <summary>So many shards are looked at for one whose node has time.</summary>
    private const int LookAhead = 256;

    private readonly ClusterShardSourceOptions options;
    private readonly ILogger logger;
    private readonly Dictionary<DataNodeAddress, DataNodeGate> gates;
    private readonly ConcurrentDictionary<ShardKey, ShardAttempts> attempts = new();

    public ClusterShardSource(ClusterShardSourceOptions options, ILogger logger)
    {
        this.options = options;
        this.logger = logger;
        gates = options.Nodes.ToDictionary(n => n.Key, n => new DataNodeGate(n.Key, n.Value, options.ConnectionsPerNode));
    }

    /// <summary>As many as all nodes together allow; more than a few cores can check and write gains nothing.</summary>
    public int PreferredParallelism => Math.Clamp(gates.Count * options.ConnectionsPerNode, 1, MostParallelism);

    /// <inheritdoc/>
    public IReadOnlyList<ShardCopy> TakenFrom(ShardKey shard) =>
        attempts.TryGetValue(shard, out var known) && known is { IsConfirmed: true, Current: { } copy } ? [copy] : [];

    /// <inheritdoc/>
    public IReadOnlyList<ShardCopy> CopiesOf(ShardKey shard) => AttemptsAt(shard).Copies;

    /// <inheritdoc/>
    public int ChooseNext(IReadOnlyList<ShardTask> waiting)
    {
        for (var i = 0; i < Math.Min(waiting.Count, LookAhead); i++)
        {
            var shard = AttemptsAt(waiting[i].Shard);
            if (Order(shard).Select(GateOf).FirstOrDefault(g => g.HasFreeSlot && !g.IsDown) is { } gate)
            {
                gate.Reserve();
                shard.Reservation = gate;
                return i;
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    public async Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var known = AttemptsAt(shard);
        CancelReservation(known);
        if (known.Current is { } failed)
        {
            // Called again: the attempt before broke off on its way, or did not pass a check.
            known.Fail(failed, new InfluxBackupException("AttemptFailed", ErrorKind.Connection, "the shard broke off on its way or was not whole") { IsTransient = true });
            known.Current = null;
        }

        var tried = new HashSet<ulong>();
        while (Order(known).FirstOrDefault(c => !tried.Contains(c.NodeId)) is { } copy)
        {
            tried.Add(copy.NodeId);
            try
            {
                var stream = await OpenFromAsync(shard, copy, cancel).ConfigureAwait(false);
                known.Current = copy;
                return new ShardStream(stream.Content) { IsRepeatable = true, Warnings = [.. stream.Warnings, .. Doubts(shard, known, copy)], Held = stream.Held };
            }
            catch (InfluxBackupException e)
            {
                var isLast = Order(known).All(c => tried.Contains(c.NodeId));
                logger.Log(isLast ? LogLevel.Debug : LogLevel.Warning, "{Shard} could not be read from {Node}: {Message}", shard, copy.Node, e.Message);
            }
        }

        throw NothingFrom(shard);
    }

    /// <summary>What it means that no owner gave a shard.</summary>
    internal Exception NothingFrom(ShardKey shard)
    {
        var known = AttemptsAt(shard);
        return !known.Copies.All(c => c.IsHeld == false) ? known.Explain()
            : options.InSet.Contains(shard) ? Lost(shard)
            : new ShardSkippedException(SkipReason.Empty, "not on any of its owners: nothing was written to it");
    }

    /// <inheritdoc/>
    public async Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var known = AttemptsAt(shard);
        var copy = known.Current!;
        await ConfirmFromAsync(shard, copy, archive, cancel).ConfigureAwait(false);
        if (archive.TsmFiles == 0 && known.Copies.Any(c => c.NodeId != copy.NodeId && !c.IsEmpty))
        {
            // Deleted just now, or never there: only the others can tell.
            known.Learn(copy, isHeld: true, size: 0);
            throw Again($"{copy.Node} has nothing in {shard}, other owners may have.", null);
        }

        known.IsConfirmed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var gate in gates.Values)
        {
            gate.Dispose();
        }
    }

    /// <summary>Opens the copy of one owner, and of no other.</summary>
    /// <exception cref="InfluxBackupException">It can't be had; <see cref="CopiesOf"/> may say more by then.</exception>
    internal async Task<ShardStream> OpenFromAsync(ShardKey shard, ShardCopy copy, CancellationToken cancel)
    {
        var known = AttemptsAt(shard);
        CancelReservation(known);
        var gate = GateOf(copy);
        IDisposable? slot = null;
        try
        {
            slot = await gate.EnterAsync(cancel).ConfigureAwait(false);
            var stream = await gate.Source.OpenAsync(shard, cancel).ConfigureAwait(false);
            gate.ReportAnswer();
            logger.LogDebug("Reading {Shard} from {Node}.", shard, copy.Node);
            return new ShardStream(stream.Content) { IsRepeatable = stream.IsRepeatable, Warnings = stream.Warnings, Held = slot };
        }
        catch (InfluxBackupException e)
        {
            slot?.Dispose();
            if (e.Id == LiveShardSource.ShardNotOpenId)
            {
                known.Learn(copy, isHeld: false, size: null);
                gate.ReportAnswer();
            }
            else
            {
                known.Fail(copy, e);
                gate.ReportError(e);
            }

            throw;
        }
        catch
        {
            slot?.Dispose();
            throw;
        }
    }

    /// <summary>Asks the owner whether what was read of its copy is all.</summary>
    internal async Task ConfirmFromAsync(ShardKey shard, ShardCopy copy, ShardArchive archive, CancellationToken cancel)
    {
        try
        {
            await GateOf(copy).Source.ConfirmAsync(shard, archive, cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e) when (e.Id == LiveShardSource.ShardNotOpenId)
        {
            AttemptsAt(shard).Learn(copy, isHeld: false, size: null);
            throw Again(e.Message, e);
        }
    }

    /// <summary>A copy that lags behind is read only where no better one could be, and that is said.</summary>
    private IEnumerable<string> Doubts(ShardKey shard, ShardAttempts known, ShardCopy copy)
    {
        if (!IsPreferred(copy) && OwnerChoice.LagsBehind(copy, known.Copies))
        {
            yield return $"{shard} was read from {copy.Node}, though another owner seems to have more of it, because that one could not give it.";
        }
    }

    private IReadOnlyList<ShardCopy> Order(ShardAttempts known) =>
        OwnerChoice.Order(known.Copies, IsPreferred, c => new OwnerStatus(known.Failures(c), GateOf(c).IsDown, GateOf(c).Load));

    private bool IsPreferred(ShardCopy copy) => copy.Node is { } node && options.Preferred.Contains(node);

    private DataNodeGate GateOf(ShardCopy copy) => gates[copy.Node!];

    private ShardAttempts AttemptsAt(ShardKey shard) => attempts.GetOrAdd(shard, s => new ShardAttempts(s, options.Copies[s]));

    private static void CancelReservation(ShardAttempts known)
    {
        known.Reservation?.CancelReservation();
        known.Reservation = null;
    }

    private static InfluxBackupException Lost(ShardKey shard) =>
        new("ShardLost", ErrorKind.NotFound, $"None of the owners of {shard} has it open, though an earlier backup of the set has points of it.")
        {
            Subject = shard.ToString(),
            Remedy = "A server that fails to open a shard says so in its log at its start. If the shard is lost, restore it from the earlier backup.",
        };

    private static InfluxBackupException Again(string message, Exception? inner) =>
        new("OwnerGaveNothing", ErrorKind.InvalidData, message, inner) { IsTransient = true };
}
