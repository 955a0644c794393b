using InfluxBackup.Metadata;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Unpacked shards that several users take pieces of: each is unpacked once, by the first who asks, and kept as long as others are likely to
/// ask for it. Besides those that are in use the disk holds <see cref="MostIdle"/> at most; one that is asked for later is unpacked again.
/// </summary>
/// <param name="unpack">Unpacks a shard.</param>
/// <param name="users">How many will ask for each shard.</param>
internal sealed class StagedShardPool(
    Func<ShardKey, CancellationToken, Task<UnpackedShard>> unpack, IReadOnlyDictionary<ShardKey, int> users) : IDisposable
{
    public const int MostIdle = 2;

    private readonly object sync = new();
    private readonly Dictionary<ShardKey, Entry> entries = [];
    private readonly Dictionary<ShardKey, int> served = [];
    private long clock;

    /// <summary>Whether a shard has more than one user, so that it is worth being kept.</summary>
    public bool IsShared(ShardKey shard) => users.GetValueOrDefault(shard) > 1;

    /// <summary>Whether a shard is unpacked, or is just being.</summary>
    public bool Holds(ShardKey shard)
    {
        lock (sync)
        {
            return entries.ContainsKey(shard);
        }
    }

    /// <summary>Calls a function with a shard, which stays while it runs and is not changed by it.</summary>
    public async Task UseAsync(ShardKey shard, Func<UnpackedShard, Task> use, CancellationToken cancel)
    {
        var entry = Enter(shard);
        var isServed = false;
        try
        {
            await entry.Unpacking.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                entry.Shard ??= await unpack(shard, cancel).ConfigureAwait(false);
            }
            finally
            {
                entry.Unpacking.Release();
            }

            await use(entry.Shard).ConfigureAwait(false);
            isServed = true;
        }
        finally
        {
            Leave(shard, entry, isServed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (sync)
        {
            foreach (var entry in entries.Values)
            {
                entry.Dispose();
            }

            entries.Clear();
        }
    }

    private Entry Enter(ShardKey shard)
    {
        lock (sync)
        {
            if (!entries.TryGetValue(shard, out var entry))
            {
                entries.Add(shard, entry = new Entry());
            }

            entry.InUse++;
            return entry;
        }
    }

    private void Leave(ShardKey shard, Entry entry, bool isServed)
    {
        lock (sync)
        {
            entry.InUse--;
            entry.LastUse = ++clock;
            served[shard] = served.GetValueOrDefault(shard) + (isServed ? 1 : 0);
            if (entry.InUse == 0 && (entry.Shard is null || served[shard] >= users.GetValueOrDefault(shard)))
            {
                Remove(shard, entry);
            }

            var idle = entries.Where(e => e.Value.InUse == 0).OrderByDescending(e => e.Value.LastUse).Skip(MostIdle).ToList();
            idle.ForEach(e => Remove(e.Key, e.Value));
        }
    }

    private void Remove(ShardKey shard, Entry entry)
    {
        entry.Dispose();
        entries.Remove(shard);
    }

    private sealed class Entry : IDisposable
    {
        public SemaphoreSlim Unpacking { get; } = new(1);

        public UnpackedShard? Shard { get; set; }

        public int InUse { get; set; }

        public long LastUse { get; set; }

        public void Dispose()
        {
            Shard?.Files.Dispose();
            Unpacking.Dispose();
        }
    }
}

/// <summary>A shard that was unpacked.</summary>
/// <param name="Files">Its files.</param>
/// <param name="Warnings">What the user should know of the archive.</param>
internal sealed record UnpackedShard(StagedShard Files, IReadOnlyList<string> Warnings);
