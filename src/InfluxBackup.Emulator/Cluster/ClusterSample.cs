using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>
/// Databases with real TSM files for a cluster of any size, the same at each run: <c>metrics</c> (replication 2, two policies),
/// <c>inventory</c> (3), <c>local only</c> (1) and <c>Wetter Köln</c> (2), whose names need escaping everywhere; <c>leer</c> has
/// no shards. Besides a user and a continuous query. Unless a well cluster is asked for, one shard has tombstones, and of one shard the
/// first owner has points that the others lack.
/// </summary>
public static class ClusterSample
{
    public const string ReplicatedTwice = "metrics";
    public const string ReplicatedThrice = "inventory";
    public const string NotReplicated = "local only";
    public const string OddlyNamed = "Wetter Köln";
    public const string OddlyNamedPolicy = "Messwerte für später";
    public const string Empty = "leer";

    /// <summary>A user with the password <c>sample</c>, hashed by a real server; reads <see cref="ReplicatedTwice"/>.</summary>
    public const string User = "grafana";

    /// <summary>2017-07-10, a Monday, in nanoseconds since 1970.</summary>
    public const long Start = 1_499_644_800_000_000_000;

    private static readonly string[] Hosts = ["web01", "web02", "web03", "db01", "db02", "db03"];

    private const long Minute = 60_000_000_000;
    private const long Day = 24 * 60 * Minute;

    /// <summary>Adds the sample to a cluster.</summary>
    /// <returns>The shard with tombstones, and the one whose owners differ.</returns>
    public static (ShardKey WithTombstones, ShardKey Differing) Write(EmulatedCluster cluster)
    {
        WriteWell(cluster);
        cluster.Metadata.Edit(data => data.Databases.Add(Database(NotReplicated, Policy("autogen", 7 * Day, 1))));
        cluster.Write(NotReplicated, "autogen", Hosts.SelectMany((h, i) => Cpu(h, i, 10 * Day, 60 * Minute)));
        return AddTroubles(cluster);
    }

    /// <summary>Adds the sample without <see cref="NotReplicated"/>, tombstones and differences: it survives the death of any data node.</summary>
    public static void WriteWell(EmulatedCluster cluster)
    {
        cluster.Metadata.Edit(Describe);
        cluster.Write(ReplicatedTwice, "daily", Hosts.SelectMany((h, i) => Cpu(h, i, 3 * Day, 5 * Minute)));
        cluster.Write(ReplicatedTwice, "daily", Cpu("web01", 7, Day, 30 * Minute)); // Overwrites: a second file, whose values win.
        cluster.Write(ReplicatedTwice, "long term", Hosts.SelectMany((h, i) => Cpu(h, i, 60 * Day, Day)));
        cluster.Write(ReplicatedThrice, "autogen", Enumerable.Range(0, 40).SelectMany(Stock));
        cluster.Write(OddlyNamed, OddlyNamedPolicy, Enumerable.Range(0, 12).SelectMany(Weather));
    }

    private static (ShardKey WithTombstones, ShardKey Differing) AddTroubles(EmulatedCluster cluster)
    {
        const string deletedSeries = "stock,item=item\\ 03";
        var withTombstones = cluster.ShardOf(ReplicatedThrice, "autogen", deletedSeries, Start);
        foreach (var owner in cluster.OwnersOf(withTombstones.Id))
        {
            owner.DeletePoints(withTombstones, deletedSeries, ["price"], TimeRange.Everything);
            owner.DeletePoints(withTombstones, deletedSeries, ["count"], new TimeRange(Start, Start + (3 * Day)));
        }

        const string lateSeries = "stock,item=late";
        var differing = cluster.ShardOf(ReplicatedThrice, "autogen", lateSeries, Start + (8 * Day));
        cluster.OwnersOf(differing.Id)[0].AddPoints(differing, Enumerable.Range(0, 5).Select(i => new EmulatedPoint(lateSeries, "count", Start + (8 * Day) + (i * Minute), (long)i)));
        return (withTombstones, differing);
    }

    private static void Describe(Data data)
    {
        data.Databases.Add(Database(ReplicatedTwice, Policy("daily", Day, 2), Policy("long term", 28 * Day, 2)));
        data.Databases[^1].ContinuousQueries.Add(new ContinuousQueryInfo
        {
            Name = "cpu_1d",
            Query = "CREATE CONTINUOUS QUERY cpu_1d ON metrics BEGIN SELECT mean(usage) AS usage INTO metrics.\"long term\".cpu FROM metrics.daily.cpu GROUP BY time(1d), * END",
        });
        data.Databases.Add(Database(ReplicatedThrice, Policy("autogen", 7 * Day, 3)));
        data.Databases.Add(Database(OddlyNamed, Policy(OddlyNamedPolicy, 7 * Day, 2)));
        data.Databases.Add(Database(Empty, Policy("autogen", 7 * Day, 2)));
        data.Users.Add(new UserInfo
        {
            Name = User,
            Hash = "$2a$10$S6xmRlfVIByWQUi8KHOI.OSVsM7l8Bb8sblROEhJn5d1R6Wm78GEO",
            Admin = false,
            Privileges = { new UserPrivilege { Database = ReplicatedTwice, Privilege = 1 } },
        });
    }

    private static DatabaseInfo Database(string name, params RetentionPolicyInfo[] policies) =>
        new() { Name = name, DefaultRetentionPolicy = policies[0].Name, RetentionPolicies = { policies } };

    private static RetentionPolicyInfo Policy(string name, long groupDuration, uint replicas) =>
        new() { Name = name, Duration = 0, ShardGroupDuration = groupDuration, ReplicaN = replicas };

    private static IEnumerable<EmulatedPoint> Cpu(string host, int seed, long length, long step)
    {
        var series = $"cpu,dc={(seed % 2 == 0 ? "nord" : "süd")},host={host}";
        for (var time = Start; time < Start + length; time += step)
        {
            var i = (time - Start) / step;
            yield return new EmulatedPoint(series, "usage", time, Math.Round(50 + (40 * Math.Sin((i + (seed * 10)) / 20.0)), 2));
            yield return new EmulatedPoint(series, "processes", time, 100 + ((i * 7) + seed) % 50);
            yield return new EmulatedPoint(series, "ok", time, i % 13 != 0);
        }
    }

    private static IEnumerable<EmulatedPoint> Stock(int item)
    {
        var series = $"stock,item=item\\ {item:00}";
        for (var day = 0; day < 14; day++)
        {
            yield return new EmulatedPoint(series, "count", Start + (day * Day), (long)((item * 31) + (day * 17)) % 100);
            yield return new EmulatedPoint(series, "price", Start + (day * Day), item + 0.99);
        }
    }

    private static IEnumerable<EmulatedPoint> Weather(int station)
    {
        var series = $"temperature,ort=Köln\\,\\ Platz\\ {station},quelle=a\\=b";
        for (var hour = 0; hour < 14 * 24; hour++)
        {
            var time = Start + (hour * 60 * Minute);
            yield return new EmulatedPoint(series, "grad celsius", time, Math.Round(15 + (8 * Math.Sin(hour / 4.0)) + (station / 10.0), 1));
            yield return new EmulatedPoint(series, "bemerkung", time, hour % 24 == 0 ? "wolkig, \"kühl\"" : "");
        }
    }
}
