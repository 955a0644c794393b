namespace InfluxBackup.Bench.Export;

/// <summary>Few series that have reported for long: numbers to be printed with all digits, and nothing else.</summary>
internal sealed class FatShape() : DataShape("fat", "10 series of 6 noisy floats, half of them at regular times; one shard")
{
    private const int Series = 10;
    private const int Fields = 6;

    public override long Write(string data, long values)
    {
        var random = new Random(1);
        long[] times = new long[Math.Max(1, values / (Series * Fields))];
        double[] floats = new double[times.Length];
        using var shard = new ShardWriter(CreateShard(data, 1), generation: 1);
        for (int series = 0; series < Series; series++)
        {
            FillTimes(times, 0, series < Series / 2 ? null : random);
            for (int field = 0; field < Fields; field++)
            {
                FillNoise(floats, random);
                shard.Write($"power,host=meter{series:D2},site=north", $"f{field}", times, floats);
            }
        }
        shard.Complete();
        return shard.Values;
    }
}
