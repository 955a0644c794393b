using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>
/// The faults of a node. Rules can be added and removed while it runs and apply to requests that arrive later; several rules
/// may hit the same request.
/// </summary>
public sealed class FaultPlan
{
    private readonly object gate = new();
    private readonly List<Entry> entries = [];
    private TaskCompletionSource stalls = NewStalls();

    /// <summary>Adds a rule.</summary>
    /// <param name="fault">What happens.</param>
    /// <param name="type">Only to requests of this type.</param>
    /// <param name="shardId">Only to requests for this shard.</param>
    /// <param name="from">The first matching request that is hit; 1 is the very first.</param>
    /// <param name="times">How many requests are hit before the fault is over; null is without end.</param>
    public FaultRule Add(Fault fault, SnapshotterRequestType? type = null, ulong? shardId = null, int from = 1, int? times = null)
    {
        var rule = new FaultRule(fault) { Type = type, ShardId = shardId, From = from, Times = times };
        Add(rule);
        return rule;
    }

    /// <summary>Adds a rule for HTTP requests.</summary>
    /// <param name="fault">What happens.</param>
    /// <param name="path">Only to requests for this path, such as <c>/execute</c>.</param>
    /// <param name="command">Only to commands of this number.</param>
    /// <param name="from">The first matching request that is hit; 1 is the very first.</param>
    /// <param name="times">How many requests are hit before the fault is over; null is without end.</param>
    public FaultRule AddHttp(Fault fault, string? path = null, int? command = null, int from = 1, int? times = null)
    {
        var rule = new FaultRule(fault) { Service = FaultedService.Http, Path = path, Command = command, From = from, Times = times };
        Add(rule);
        return rule;
    }

    public void Add(FaultRule rule)
    {
        lock (gate)
        {
            entries.Add(new Entry(rule));
        }
    }

    public bool Remove(FaultRule rule)
    {
        lock (gate)
        {
            return entries.RemoveAll(e => ReferenceEquals(e.Rule, rule)) > 0;
        }
    }

    /// <summary>Removes all rules and ends the connections that stall.</summary>
    public void Clear()
    {
        TaskCompletionSource old;
        lock (gate)
        {
            entries.Clear();
            old = stalls;
            stalls = NewStalls();
        }

        old.SetResult();
    }

    /// <summary>How many requests the rule has hit.</summary>
    public int Hits(FaultRule rule)
    {
        lock (gate)
        {
            return entries.Find(e => ReferenceEquals(e.Rule, rule))?.Hits ?? 0;
        }
    }

    /// <summary>What is to happen to a request that has just arrived; counts it.</summary>
    internal ActiveFaults Take(FaultedRequest request)
    {
        lock (gate)
        {
            var active = new List<Fault>();
            foreach (var entry in entries.Where(e => e.Rule.Matches(request)))
            {
                if (entry.Rule.HitsAt(++entry.Seen))
                {
                    entry.Hits++;
                    active.Add(entry.Rule.Fault);
                }
            }

            return new ActiveFaults(active, stalls.Task);
        }
    }

    private static TaskCompletionSource NewStalls() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Entry(FaultRule rule)
    {
        public FaultRule Rule => rule;

        public int Seen { get; set; }

        public int Hits { get; set; }
    }
}

/// <summary>The faults of one request.</summary>
/// <param name="Faults">What happens.</param>
/// <param name="EndOfStall">Ends when stalled connections are to end.</param>
internal sealed record ActiveFaults(IReadOnlyList<Fault> Faults, Task EndOfStall)
{
    public static ActiveFaults None { get; } = new([], Task.CompletedTask);

    public T? Find<T>()
        where T : Fault => Faults.OfType<T>().FirstOrDefault();
}
