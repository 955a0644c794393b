using System.Globalization;
using InfluxBackup.DataDirectory;
using InfluxBackup.IntegrationTests;
using InfluxBackup.Operations;
using InfluxBackup.Tests.Tsm.Merging;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>Directories like a server's, with TSM files that a test makes.</summary>
internal sealed class GeneratedServer : IDisposable
{
    private const long Hour = 3_600_000_000_000;

    private readonly TemporaryDirectory root = new();

    public string Data => root["data"];

    public string this[string name] => root[name];

    /// <summary>
    /// Two databases with three policies, six shards, some 240,000 points of noise: several batches in a shard, several chunks in a batch.
    /// Half of the shards have two files that overlap, and deletes.
    /// </summary>
    public static GeneratedServer WithNoise()
    {
        var server = new GeneratedServer();
        var random = new Random(1);
        foreach (var (shard, at) in ((string[])["db/a/1", "db/a/2", "db/b.c/3", "db/b.c/10", "x y/größe/4", "x y/größe/5"]).Select((s, i) => (s, i)))
        {
            var start = 1_500_000_000_000_000_000 + (at % 2 * 30 * Hour);
            server.Add(shard, 1, Noise(random, start, 20_000, "m,t=1", "n"));
            if (at % 2 == 0)
            {
                server.Add(shard, 2, Noise(random, start + (5 * Hour), 2000, "m,t=1") with { Deletes = [new GeneratedDelete("m,t=1", "f", new(start + (6 * Hour), start + (7 * Hour)))] });
            }
        }

        return server;
    }

    /// <summary>Adds a file to a shard, and its tombstones.</summary>
    /// <returns>Path of the file.</returns>
    public string Add(string shard, int generation, GeneratedFile file)
    {
        var directory = Directory.CreateDirectory(Path.Combine(Data, shard)).FullName;
        var name = Path.Combine(directory, generation.ToString("D9", CultureInfo.InvariantCulture) + "-000000001");
        File.WriteAllBytes(name + ".tsm", file.ToTsm());
        if (file.Deletes.Count > 0)
        {
            File.WriteAllBytes(name + ".tombstone", file.ToTombstones());
        }

        return name + ".tsm";
    }

    public DirectoryExportSource Open() => new(ServerDirectories.Open(Data, null));

    public ExportOptions Options(string output) => new() { Source = Open(), Output = output };

    public void Dispose() => root.Dispose();

    private static GeneratedFile Noise(Random random, long start, int points, params string[] series) => new(
        [.. series.SelectMany(s => Enumerable.Range(0, points / 1000).Select(block => new GeneratedBlock(
            s, "f", [.. Enumerable.Range(0, 1000).Select(i => (start + ((block * 1000L) + i) * 7_000_000_000, (object)random.NextDouble()))])))], []);
}
