namespace InfluxBackup.Bench.Export;

/// <summary>Logs: the output is hardly more than the values, and copying and escaping them is the work.</summary>
internal sealed class StringsShape() : DataShape("strings", "100 series of log texts of 20 to 80 bytes; one shard")
{
    private const int Series = 100;

    public override long Write(string data, long values)
    {
        var random = new Random(3);
        var text = new LogText(random);
        long[] times = new long[Math.Max(1, values / Series)];
        var strings = new Range[times.Length];
        using var shard = new ShardWriter(CreateShard(data, 1), generation: 1);
        for (int series = 0; series < Series; series++)
        {
            FillTimes(times, 0, random);
            text.Fill(strings);
            shard.Write($"log,app=gateway,host=web{series:D3}", "message", times, strings, text.Bytes);
        }
        shard.Complete();
        return shard.Values;
    }
}
