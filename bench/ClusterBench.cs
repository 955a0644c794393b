using System.Globalization;
using InfluxBackup.Bench.Export;
using InfluxBackup.Emulator;
using InfluxBackup.Metadata;

namespace InfluxBackup.Bench;

/// <summary>
/// How a backup's speed grows with the data nodes: the same data on one, two and four of them, in this process, each with the same limit to
/// what it sends in a second. Where there are several, each shard is on two.
/// </summary>
internal sealed class ClusterBench(BenchOptions options)
{
    private const string Database = "bench";
    private const string Policy = "autogen";
    private const int Series = 10;
    private const int Fields = 6;
    private const long Day = 24 * 3_600_000_000_000;
    private const long Start = 1_499_644_800_000_000_000;

    private readonly ResultTable _table = new(Name(1));

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        for (int nodes = 1; nodes <= 4; nodes *= 2)
        {
            await MeasureAsync(nodes, cancel);
        }
        _table.Print();
        return _table.HasFailures ? 1 : 0;
    }

    private async Task MeasureAsync(int nodes, CancellationToken cancel)
    {
        string directory = Directory.CreateDirectory(Path.Combine(options.WorkDirectory, "cluster-" + Guid.NewGuid().ToString("N"))).FullName;
        try
        {
            await using var cluster = await EmulatedCluster.StartAsync(new EmulatedClusterOptions
            {
                Directory = directory, MetaNodes = 1, DataNodes = nodes, BytesPerSecond = options.Bandwidth * 1_000_000L,
            });
            long bytes = Load(cluster, cancel);
            if (nodes == 1)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{options.Points:N0} points of {Fields} floats, {options.Shards} shards, {bytes / 1e6:F0} MB of TSM files; {options.Bandwidth?.ToString(CultureInfo.InvariantCulture) ?? "any"} MB/s a data node"));
            }
            for (int round = 1; round <= options.Rounds; round++)
            {
                using var set = new WorkDirectory(options.WorkDirectory);
                var run = await OurTool.RunAsync(["backup", "--path", set.Path, "--meta-node", cluster.MetaNodes[0].Address, "--json"], cancel);
                _table.Add(Name(nodes), BackupMeasure.Of(run, set.Path, options.Shards) with { Read = bytes });
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Name(int nodes) => nodes == 1 ? "1 data node" : $"{nodes} data nodes";

    /// <summary>Fills the shards of days, one after another, until there are enough. Returns the size of the data, each copy of a shard but one left out.</summary>
    private long Load(EmulatedCluster cluster, CancellationToken cancel)
    {
        var policy = new RetentionPolicyInfo { Name = Policy, Duration = 0, ShardGroupDuration = Day, ReplicaN = 2 };
        cluster.Metadata.Edit(d => d.Databases.Add(new DatabaseInfo { Name = Database, DefaultRetentionPolicy = Policy, RetentionPolicies = { policy } }));
        var (shards, bytes) = (0, 0L);
        for (long day = Start; shards < options.Shards; day += Day)
        {
            foreach (var shard in cluster.CreateShardGroup(Database, Policy, day).Shards)
            {
                cancel.ThrowIfCancellationRequested();
                bytes += WriteShard(cluster, new ShardKey(Database, Policy, shard.ID), day, options.Points / options.Shards / Series);
                shards++;
            }
        }
        return shards == options.Shards ? bytes : throw new BenchException($"{options.Shards} shards can't be spread evenly over the nodes; choose a multiple of 2.");
    }

    private static long WriteShard(EmulatedCluster cluster, ShardKey shard, long day, long pointsPerSeries)
    {
        var owners = cluster.OwnersOf(shard.Id);
        string directory = owners[0].ShardDirectory(shard);
        var random = new Random((int)shard.Id);
        using (var writer = new ShardWriter(directory, 1))
        {
            long[] times = new long[pointsPerSeries];
            double[] values = new double[pointsPerSeries];
            for (int series = 0; series < Series; series++)
            {
                long step = Day / Math.Max(1, pointsPerSeries);
                for (int i = 0; i < times.Length; i++)
                {
                    times[i] = day + (i * step) + random.NextInt64(step);
                }
                for (int field = 0; field < Fields; field++)
                {
                    for (int i = 0; i < values.Length; i++)
                    {
                        values[i] = random.NextDouble();
                    }
                    writer.Write($"noise,host=h{series}", $"f{field}", times, values);
                }
            }
            writer.Complete();
        }
        foreach (string file in Directory.GetFiles(directory))
        {
            foreach (var owner in owners.Skip(1))
            {
                File.Copy(file, Path.Combine(owner.ShardDirectory(shard), Path.GetFileName(file)));
            }
        }
        return Directory.GetFiles(directory).Sum(f => new FileInfo(f).Length);
    }
}
