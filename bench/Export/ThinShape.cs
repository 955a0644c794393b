namespace InfluxBackup.Bench.Export;

/// <summary>Many series of few points: keys and indexes are most of the work. A million series from 20 million values on.</summary>
internal sealed class ThinShape() : DataShape("thin", "a million series of a float and an integer, keys of 80 bytes; one shard")
{
    private const int MostSeries = 1_000_000;
    private const int UsualPoints = 10;
    private static readonly string[] Clusters = ["ap-southeast-2b", "eu-central-1a", "eu-west-3c", "us-east-1d", "us-west-2a"];

    public override long Write(string data, long values)
    {
        var random = new Random(2);
        int count = (int)Math.Clamp(values / (2 * UsualPoints), 1, MostSeries);
        long[] times = new long[Math.Max(1, values / 2 / count)];
        double[] used = new double[times.Length];
        long[] files = new long[times.Length];
        using var shard = new ShardWriter(CreateShard(data, 1), generation: 1);
        for (int i = 0; i < count; i++)
        {
            FillTimes(times, 0, i % 2 == 0 ? null : random);
            long inodes = random.Next(10_000_000);
            for (int point = 0; point < times.Length; point++)
            {
                used[point] = Math.Round(random.NextDouble() * 100, 3);
                files[point] = inodes += random.Next(-50, 100);
            }
            // Clusters ascend with the numbers of the hosts, or the keys would not.
            string series = $"disk,cluster={Clusters[(long)i * Clusters.Length / count]},host=node-{i:D7}.example.org,path=/var/lib/data,rack=r{random.Next(64):D2}";
            shard.Write(series, "inodes", times, files);
            shard.Write(series, "used_percent", times, used);
        }
        shard.Complete();
        return shard.Values;
    }
}
