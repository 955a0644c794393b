using System.Globalization;
using System.Text;
using InfluxBackup.DataDirectory;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Wal;

namespace InfluxBackup.IntegrationTests.Directories;

/// <summary>A real server is killed; what lies in its directories is what it answers after its next start.</summary>
public sealed class KilledServerTests
{
    private const string Database = "d";
    private const long Start = 1_500_000_000_000_000_000;
    private const long Second = 1_000_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, 24 << 20)]
    [InlineData(SeriesIndex.InMem, 2000)]
    [InlineData(SeriesIndex.Tsi1, 2000)]
    public async Task Points_and_deletes_of_the_log_are_what_a_killed_server_answers_after_its_next_start(SeriesIndex index, int budget)
    {
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index }, Cancel);
        await server.Http.CreateDatabaseAsync(Database, Cancel);
        await WriteAndDeleteAsync(server.Http, new Random(index == SeriesIndex.InMem ? 1 : 2), steps: 40);
        await server.Snapshots.FlushAsync(Cancel);
        await WriteAndDeleteAsync(server.Http, new Random(budget), steps: 120);
        // A field of the log alone comes back with another type.
        await server.Http.WriteAsync($"changed v=1.5 {Start}", Database, cancel: Cancel);
        await server.Http.ExecuteAsync("DROP MEASUREMENT changed", Database, Cancel);
        await server.Http.WriteAsync($"changed v=\"text\" {Start}", Database, cancel: Cancel);
        Assert.NotNull(Open(server).FindRunningServer(Cancel));
        await server.KillAsync();
        Assert.Null(Open(server).FindRunningServer(Cancel));

        var (stored, warnings) = Read(server, budget);
        Assert.Empty(warnings);
        await server.StartAgainAsync(Cancel);
        Assert.True(await CompareAsync(server.Http, stored) > 500);
    }

    [RealServerTheory]
    [InlineData(-3)]
    [InlineData(-200)]
    [InlineData(30)]
    [InlineData(2)]
    public async Task Damage_in_the_log_ends_it_where_it_ends_for_the_server(int at)
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync(Database, Cancel);
        await WriteAndDeleteAsync(server.Http, new Random(at), steps: 30);
        await server.KillAsync();
        var segment = Open(server).ReadShards().Shards.SelectMany(s => s.WalSegments).MaxBy(f => new FileInfo(f).Length)!;
        var bytes = await File.ReadAllBytesAsync(segment, Cancel);
        bytes[at < 0 ? bytes.Length + at : at] ^= 0x55;
        await File.WriteAllBytesAsync(segment, at == -3 ? bytes[..^3] : bytes, Cancel);

        var (stored, warnings) = Read(server, 1000);
        await server.StartAgainAsync(Cancel);
        await CompareAsync(server.Http, stored);
        // What the server cut off is what we did not read.
        using var left = WalSegmentReader.Open(segment);
        while (left.Read())
        {
        }
        Assert.Null(left.Warning);
        Assert.Equal(warnings.Count > 0, left.Length < bytes.Length);
        if (warnings.Count > 0)
        {
            Assert.Contains($"offset {left.Length} on", Assert.Single(warnings), StringComparison.Ordinal);
        }
    }

    private static ServerDirectories Open(InfluxServer server) =>
        ServerDirectories.Open(server.DataDirectory, server.WalDirectory, server.MetaDirectory);

    private static (StoredPoints Points, List<string> Warnings) Read(InfluxServer server, int budget)
    {
        using var directory = new TemporaryDirectory();
        var stored = new StoredPoints();
        var listing = Open(server).ReadShards();
        var warnings = listing.Warnings.ToList();
        foreach (var shard in listing.Shards)
        {
            foreach (var file in shard.TsmFiles)
            {
                stored.Add(file, shard.Tombstones.GetValueOrDefault(file));
            }
            var options = new WalSnapshotOptions
            {
                Directory = Directory.CreateDirectory(directory[$"{shard.Shard.Id}"]).FullName, FirstGeneration = shard.NextGeneration, MemoryBudget = budget,
            };
            var snapshot = WalSnapshot.Write(shard.WalSegments, options, Cancel);
            warnings.AddRange(snapshot.Warnings);
            foreach (var run in snapshot.Runs)
            {
                stored.Add(run.TsmFile, run.TombstoneFile);
            }
        }
        return (stored, warnings);
    }

    /// <summary>Points in two shards, some over others, and deletes of all kinds among them.</summary>
    private static async Task WriteAndDeleteAsync(InfluxHttp http, Random random, int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            var from = Time(random);
            switch (random.Next(12))
            {
                case 0:
                    await http.ExecuteAsync($"DELETE FROM m{random.Next(3)} WHERE time >= {from} AND time <= {from + 20 * Second}", Database, Cancel);
                    break;
                case 1:
                    await http.ExecuteAsync($"DELETE FROM m{random.Next(3)} WHERE t = '{random.Next(4)}' AND time < {from}", Database, Cancel);
                    break;
                case 2:
                    await http.ExecuteAsync($"DROP SERIES FROM m{random.Next(3)} WHERE t = '{random.Next(4)}'", Database, Cancel);
                    break;
                default:
                    await http.WriteAsync(Lines(random, 25), Database, cancel: Cancel);
                    break;
            }
        }
        await http.WriteAsync(Lines(random, 400), Database, cancel: Cancel);
    }

    private static string Lines(Random random, int count)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            var number = random.Next(1000);
            lines.Append(CultureInfo.InvariantCulture, $"m{random.Next(3)},t={random.Next(4)} f={number / 8.0},i={number}i,b={(number % 2 == 0 ? "t" : "f")},s=\"text {number}\" {Time(random)}\n");
        }
        return lines.ToString();
    }

    private static long Time(Random random) => Start + random.Next(100) * Second + random.Next(2) * 10 * 86400 * Second;

    /// <summary>Asserts that server and directories have the same values; returns how many.</summary>
    private static async Task<int> CompareAsync(InfluxHttp http, StoredPoints stored)
    {
        var left = new Dictionary<(string Key, long Time), object>(stored.Points);
        var compared = 0;
        foreach (var series in await http.QueryAsync("SELECT * FROM /.*/ GROUP BY *", Database, Cancel))
        {
            var name = string.Concat([series.Name, .. series.Tags.Where(t => t.Value.Length > 0).Select(t => $",{t.Key}={t.Value}")]);
            foreach (var row in series.Rows)
            {
                for (var i = 1; i < row.Count; i++)
                {
                    if (row[i] is { } cell)
                    {
                        Assert.True(left.Remove(($"{name}#!~#{series.Columns[i]}", long.Parse(row[0]!, CultureInfo.InvariantCulture)), out var value), $"not stored: {name} {series.Columns[i]} {row[0]}");
                        Assert.Equal(cell, Text(value!));
                        compared++;
                    }
                }
            }
        }
        Assert.Empty(left);
        return compared;
    }

    private static string Text(object value) => value switch
    {
        bool b => b ? "true" : "false",
        string s => $"\"{s}\"",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException("type"),
    };
}
