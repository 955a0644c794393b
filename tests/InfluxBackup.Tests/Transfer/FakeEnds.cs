using System.Collections.Concurrent;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Transfer;

/// <summary>A source that answers each attempt as the test wants: with bytes, or by throwing.</summary>
internal sealed class FakeSource(Func<ShardKey, int, byte[]> answer) : IShardSource
{
    private readonly ConcurrentDictionary<ShardKey, int> attempts = new();

    public int PreferredParallelism { get; init; } = 1;

    /// <summary>Called when the archive has been read.</summary>
    public Action<ShardKey, int> Confirming { get; init; } = (_, _) => { };

    /// <summary>Awaited before the answer.</summary>
    public Func<ShardKey, CancellationToken, Task> Opening { get; init; } = (_, _) => Task.CompletedTask;

    public IReadOnlyList<string> Warnings { get; init; } = [];

    public int Attempts(ShardKey shard) => attempts.GetValueOrDefault(shard);

    public async Task<ShardStream> OpenAsync(ShardKey shard, CancellationToken cancel)
    {
        var attempt = attempts.AddOrUpdate(shard, 1, (_, n) => n + 1);
        await Opening(shard, cancel);
        return new ShardStream(new PieceStream(answer(shard, attempt), 512)) { IsRepeatable = true, Warnings = Warnings };
    }

    public Task ConfirmAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        Confirming(shard, Attempts(shard));
        return Task.CompletedTask;
    }
}

/// <summary>A sink in memory.</summary>
internal sealed class FakeSink : IShardSink
{
    /// <summary>What is kept of each shard now.</summary>
    public ConcurrentDictionary<ShardKey, byte[]> Kept { get; } = new();

    public ConcurrentBag<ShardKey> Accepted { get; } = [];

    public ConcurrentBag<ShardKey> Discarded { get; } = [];

    public Action<ShardKey> Accepting { get; init; } = _ => { };

    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        var all = new MemoryStream();
        while (await archive.ReadAsync(cancel) is { IsEmpty: false } piece)
        {
            all.Write(piece.Span);
            Kept[shard] = all.ToArray();
        }
    }

    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        Accepting(shard);
        Accepted.Add(shard);
        return Task.FromResult(new ShardReceipt(archive.Length, Warnings: ["from the sink"]));
    }

    public Task DiscardAsync(ShardKey shard)
    {
        Kept.TryRemove(shard, out _);
        Discarded.Add(shard);
        return Task.CompletedTask;
    }
}

/// <summary>Keeps what it is told, at once and in order.</summary>
internal sealed class ProgressRecorder : IProgress<TransferProgress>
{
    private readonly List<TransferProgress> reports = [];

    public IReadOnlyList<TransferProgress> Reports
    {
        get
        {
            lock (reports)
            {
                return reports.ToList();
            }
        }
    }

    public void Report(TransferProgress value)
    {
        lock (reports)
        {
            reports.Add(value);
        }
    }
}
