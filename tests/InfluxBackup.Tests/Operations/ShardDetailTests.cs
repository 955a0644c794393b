using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.Operations.Checks;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Tsm;
using ShardInfo = InfluxBackup.Operations.ShardInfo;

namespace InfluxBackup.Tests.Operations;

/// <summary>What a shard holds is counted from its files.</summary>
public sealed class ShardDetailTests : IDisposable
{
    private readonly TestedSet set = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => set.Dispose();

    private static Task<IReadOnlyList<ShardInfo>> ReadAsync(string path, ShardSelection? selection = null) =>
        new ShardDetailOperation(new ShardDetailOptions()).ReadBackupAsync(path, null, selection ?? ShardSelection.Everything, Cancel);

    [Theory]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.6.7-tsi1")]
    [InlineData("1.11.8-tsi1")]
    public async Task A_real_backup_is_counted_as_its_test_counts_it(string server)
    {
        var shards = await ReadAsync(TestData.Golden(server));
        var test = await TestedSet.TestAsync(TestData.Golden(server));

        Assert.Equal(22, shards.Count);
        Assert.Equal(test.Points, shards.Sum(s => s.Points));
        Assert.Equal(test.TsmFiles, shards.Sum(s => (long)s.TsmFiles!.Value));
        Assert.All(shards, s => Assert.True(s.Error is null && s.Series > 0 && s.FirstPointTime <= s.LastPointTime && s.MeasuredSize > 0 && s.MeasuredSize < s.Size));
        Assert.Equal(["deletes"], shards.Where(s => s.HasPendingDeletes == true).Select(s => s.Database).Distinct());
        Assert.All(shards, s => Assert.Equal(SeriesOf(Path.Combine(TestData.Golden(server), s.FileName!)), s.Series));
    }

    /// <summary>The plain way, with a set.</summary>
    private static long SeriesOf(string archive)
    {
        var series = new HashSet<string>();
        foreach (var (name, bytes) in GoldenFiles.Unpack(archive).Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal)))
        {
            using var index = TsmFile.FromMemory(bytes, name).ReadIndex();
            while (index.ReadKey())
            {
                TsmKey.TrySplit(index.Key, out var key, out _);
                series.Add(System.Text.Encoding.Latin1.GetString(key));
            }
        }

        return series.Count;
    }

    [Fact]
    public async Task Series_in_several_files_count_once_and_points_as_often_as_they_are_stored()
    {
        await set.MakeAsync((7, TestedSet.Tar(
            7,
            ("000000001-000000001.tsm", TestedSet.Tsm(("m,t=a#!~#f", 0, [710, 720]), ("m,t=a#!~#g", 1, [710]), ("m,t=b#!~#f", 0, [730]))),
            ("000000002-000000001.tsm", TestedSet.Tsm(("m,t=a#!~#f", 0, [700, 720]), ("m,t=c#!~#f", 0, [790]))))));

        var shard = Assert.Single(await ReadAsync(set.Path));
        Assert.Equal((3L, 7L, 2, 0, false), (shard.Series!.Value, shard.Points!.Value, shard.TsmFiles!.Value, shard.Tombstones!.Value, shard.HasPendingDeletes!.Value));
        Assert.Equal((ShardTime.ToDateTime(700), ShardTime.ToDateTime(790)), (shard.FirstPointTime!.Value, shard.LastPointTime!.Value));
    }

    [Fact]
    public async Task A_shard_that_cannot_be_read_is_there_with_its_error_and_the_others_are_counted()
    {
        var shards = await ReadAsync(TestData.Hostile("tsm-block-count-mismatch"));

        Assert.Equal(2, shards.Count);
        var bad = shards.Single(s => s.Error is not null);
        Assert.Equal((16ul, "TsmFileDamaged"), (bad.ShardId, bad.Error!.Id));
        Assert.Null(bad.Points);
        Assert.True(shards.Single(s => s.Error is null).Points > 0);
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_read()
    {
        var shards = await ReadAsync(TestData.Hostile("tsm-block-count-mismatch"), new ShardSelection { ShardIds = [10] });
        Assert.Equal(10ul, Assert.Single(shards).ShardId);
    }

    [Fact]
    public async Task Directories_are_counted_with_and_without_being_read()
    {
        var shard = Directory.CreateDirectory(Path.Combine(set.Path, "data", "db", "rp", "7")).FullName;
        File.WriteAllBytes(Path.Combine(shard, "000000001-000000001.tsm"), TestedSet.Tsm(("m,t=a#!~#f", 0, [710, 720])));
        File.WriteAllBytes(Path.Combine(shard, "000000001-000000001.tombstone"), File.ReadAllBytes(Path.Combine(TestData.Hostile("tsm"), "v2.tombstone")));
        var bad = Directory.CreateDirectory(Path.Combine(set.Path, "data", "db", "rp", "8")).FullName;
        File.WriteAllText(Path.Combine(bad, "000000001-000000001.tsm"), "nothing of the kind");
        var wal = Directory.CreateDirectory(Path.Combine(set.Path, "wal", "db", "rp", "7")).FullName;
        File.Copy(Path.Combine(TestData.Hostile("wal"), "_sound.wal"), Path.Combine(wal, "_00001.wal"));
        File.Copy(Path.Combine(TestData.Hostile("wal"), "_torn-tail.wal"), Path.Combine(wal, "_00002.wal"));
        var directories = ServerDirectories.Open(Path.Combine(set.Path, "data"), Path.Combine(set.Path, "wal"));

        var listed = CatalogOperation.ReadDirectories(directories, ShardSelection.Everything, Cancel).Shards;
        Assert.Equal([(7ul, 1, 1, 2), (8ul, 1, 0, 0)], listed.Select(s => (s.ShardId, s.TsmFiles!.Value, s.Tombstones!.Value, s.WalSegments!.Value)));
        Assert.All(listed, s => Assert.True(s.Points is null && s.StartTime is null && s.Size > 0));

        var read = await new ShardDetailOperation(new ShardDetailOptions()).ReadDirectoriesAsync(directories, ShardSelection.Everything, Cancel);
        Assert.Equal("TsmFileDamaged", read.Shards[1].Error!.Id);
        Assert.True(read.Shards[0] is { Series: > 1, Points: > 2, HasPendingDeletes: true });
        Assert.Equal(read.Shards[0].Size, read.Shards[0].MeasuredSize);
        Assert.Contains(read.Warnings, w => w.Contains("_00002.wal", StringComparison.Ordinal));
    }
}
