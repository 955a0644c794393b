using InfluxBackup.DataDirectory;
using InfluxBackup.Tests.DataDirectory;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Wal;

namespace InfluxBackup.Tests.Wal;

/// <summary>Directories that real servers left, with points and deletes that are in the WAL alone: what we read is what they answered.</summary>
public class GoldenServerTests
{
    // 1.4.3 has the same points as 1.6.7 and answered the same.
    [Theory]
    [InlineData("1.4.3-inmem", "1.6.7-inmem", 24 << 20)]
    [InlineData("1.6.7-inmem", "1.6.7-inmem", 24 << 20)]
    [InlineData("1.6.7-inmem", "1.6.7-inmem", 1)]
    [InlineData("1.11.8-tsi1", "1.11.8-tsi1", 24 << 20)]
    [InlineData("1.11.8-tsi1", "1.11.8-tsi1", 200)]
    public void A_stopped_server_holds_what_it_answered(string server, string answers, int budget)
    {
        using var golden = new GoldenServer(server);
        var (shards, warnings) = golden.Open(withMetadata: true).ReadShards();
        Assert.Empty(warnings);
        Assert.Equal(22, shards.Count);
        var stored = new Dictionary<string, StoredPoints>();
        var walPoints = 0L;
        foreach (var shard in shards)
        {
            var policy = $"{shard.Shard.Database}/{shard.Shard.RetentionPolicy}";
            stored.TryAdd(policy, new StoredPoints());
            walPoints += Read(shard, stored[policy], golden.NewDirectory($"snapshot/{shard.Shard.Id}"), budget);
        }
        Assert.True(walPoints > 20, $"{walPoints} points from the WAL");
        var (measurements, values) = QueryAnswers.AssertSame(Path.Combine(TestData.Directory, answers, "queries.json"), stored, withDeletes: true);
        Assert.True(measurements > 30 && values > 8000, $"{measurements} measurements, {values} values");
    }

    [Theory]
    [InlineData("1.4.3-inmem")]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.11.8-tsi1")]
    public void Directories_alone_tell_the_same_shards_as_the_metadata(string server)
    {
        using var golden = new GoldenServer(server);
        Assert.Equal(
            golden.Open(withMetadata: true).ReadShards().Shards.Select(s => s.Shard), golden.Open(withMetadata: false).ReadShards().Shards.Select(s => s.Shard));
    }

    private static long Read(ShardFiles shard, StoredPoints stored, string directory, int budget)
    {
        foreach (var file in shard.TsmFiles)
        {
            stored.Add(file, shard.Tombstones.GetValueOrDefault(file));
        }
        var options = new WalSnapshotOptions { Directory = directory, FirstGeneration = shard.NextGeneration, MemoryBudget = budget };
        var snapshot = WalSnapshot.Write(shard.WalSegments, options, CancellationToken.None);
        Assert.Empty(snapshot.Warnings);
        foreach (var run in snapshot.Runs)
        {
            Assert.True(shard.TsmFiles.All(f => string.CompareOrdinal(Path.GetFileName(f), Path.GetFileName(run.TsmFile)) < 0));
            stored.Add(run.TsmFile, run.TombstoneFile);
        }
        return snapshot.Runs.Sum(r => r.Points);
    }
}
