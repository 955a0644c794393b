using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>
/// The floor: asks for the list of shards, then for each archive, and throws the bytes away. Nothing that really keeps a
/// backup can be faster.
/// </summary>
internal static class BareReader
{
    private const int BufferSize = 1 << 20;

    public static async Task<int> RunAsync(SnapshotPort node, int connections, CancellationToken cancel)
    {
        var shards = await node.ListShardsAsync(cancel: cancel);
        long total = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = connections, CancellationToken = cancel };
        await Parallel.ForEachAsync(shards, parallel, async (shard, cancelShard) =>
            Interlocked.Add(ref total, await node.ReadShardAsync(shard.Id, new byte[BufferSize], cancelShard)));
        Console.WriteLine(total.ToString(CultureInfo.InvariantCulture));
        return 0;
    }
}
