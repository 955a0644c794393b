using System.Globalization;

namespace InfluxBackup.Bench.Export;

/// <summary>A kind of data: what the keys, times and values of a data directory are like. The same data every time.</summary>
internal abstract class DataShape(string name, string description)
{
    public const string Database = "bench";
    public const string RetentionPolicy = "autogen";

    /// <summary>2017-07-17, the beginning of a week of shards.</summary>
    private const long FirstWeek = 1_500_249_600_000_000_000;
    private const long Week = 7L * 24 * 3600 * 1_000_000_000;

    public static IReadOnlyList<DataShape> All { get; } = [new FatShape(), new ThinShape(), new StringsShape(), new MixedShape()];

    public string Name { get; } = name;

    /// <summary>For the heading of its figures.</summary>
    public string Description { get; } = description;

    /// <summary>Makes the files of all shards.</summary>
    /// <param name="data">The data directory, which exists and is empty.</param>
    /// <param name="values">About how many values of fields to write.</param>
    /// <returns>How many there are now.</returns>
    public abstract long Write(string data, long values);

    /// <summary>Creates the directory of a shard.</summary>
    protected static string CreateShard(string data, int id) =>
        Directory.CreateDirectory(Path.Combine(data, Database, RetentionPolicy, id.ToString(CultureInfo.InvariantCulture))).FullName;

    /// <summary>
    /// Ascending times that fill a shard of one week at a round step, in nanoseconds: on the step, or for a sender that reads its clock,
    /// somewhere behind it.
    /// </summary>
    protected static void FillTimes(Span<long> times, int shard, Random? jitter)
    {
        long step = 10_000_000_000;
        while (step > 1000 && step * times.Length > Week)
        {
            step /= 10;
        }
        long first = FirstWeek + (shard * Week);
        for (int i = 0; i < times.Length; i++)
        {
            times[i] = first + (i * step) + (jitter?.NextInt64(step / 10 * 9) ?? 0);
        }
    }

    /// <summary>Floats that no codec makes smaller and that need all their digits; sign and exponent vary too.</summary>
    protected static void FillNoise(Span<double> values, Random random)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (random.NextDouble() - 0.5) * PowersOfTen[random.Next(PowersOfTen.Length)];
        }
    }

    private static readonly double[] PowersOfTen = [1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5];
}
