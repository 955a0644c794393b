using System.Diagnostics;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cluster;

/// <summary>
/// The way to one data node for all shards of a run: at most so many connections at once, and none for a while to a node that does not
/// answer.
/// </summary>
internal sealed class DataNodeGate(DataNodeAddress address, LiveShardSource source, int connections) : IDisposable
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(15);

    /// <summary>A node that was silent for so long is not waited for any more; a restart takes less.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim slots = new(connections);
    private readonly object sync = new();
    private Stopwatch? down;
    private TimeSpan rest;
    private TimeSpan restUntil;
    private InfluxBackupException? reason;
    private int load;

    public DataNodeAddress Address => address;

    public LiveShardSource Source => source;

    /// <summary>Shards being read here, waiting for it, or reserved.</summary>
    public int Load => Volatile.Read(ref load);

    public bool HasFreeSlot => Load < connections;

    /// <summary>It did not answer a moment ago.</summary>
    public bool IsDown
    {
        get
        {
            lock (sync)
            {
                return down is not null && down.Elapsed < restUntil;
            }
        }
    }

    /// <summary>Counts a shard that will come soon; take it back with <see cref="CancelReservation"/> when it does.</summary>
    public void Reserve() => Interlocked.Increment(ref load);

    public void CancelReservation() => Interlocked.Decrement(ref load);

    /// <summary>Waits for a free connection; disposing the answer frees it.</summary>
    /// <exception cref="InfluxBackupException">The node has been gone for so long that it is not tried now.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken cancel)
    {
        Interlocked.Increment(ref load);
        try
        {
            ThrowIfLost();
            await slots.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch
        {
            Interlocked.Decrement(ref load);
            throw;
        }

        return new Slot(this);
    }

    /// <summary>The node has answered.</summary>
    public void ReportAnswer()
    {
        lock (sync)
        {
            down = null;
        }
    }

    /// <summary>An error of the node: does it mean that the node is gone? A connection that breaks says nothing yet, the next one will.</summary>
    public void ReportError(InfluxBackupException error)
    {
        if (error.Kind is not (ErrorKind.Connection or ErrorKind.Security) || error.Id == "ConnectionBroken")
        {
            return;
        }

        lock (sync)
        {
            rest = down is null ? FirstRest : rest * 2 < LongestRest ? rest * 2 : LongestRest;
            down ??= Stopwatch.StartNew();
            restUntil = down.Elapsed + rest;
            reason = error;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => slots.Dispose();

    private void ThrowIfLost()
    {
        lock (sync)
        {
            if (down is not null && down.Elapsed > Patience && down.Elapsed < restUntil)
            {
                throw new InfluxBackupException(reason!.Id, reason.Kind, reason.Message, reason) { Subject = reason.Subject, Remedy = reason.Remedy };
            }
        }
    }

    private sealed class Slot(DataNodeGate gate) : IDisposable
    {
        private int isOpen = 1;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isOpen, 0) == 1)
            {
                gate.slots.Release();
                Interlocked.Decrement(ref gate.load);
            }
        }
    }
}
