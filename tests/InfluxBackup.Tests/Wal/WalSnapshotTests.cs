using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Wal;

public class WalSnapshotTests
{
    private const string A = "m,t=a#!~#f";
    private const string B = "m,t=b#!~#f";

    [Fact]
    public void The_last_write_at_a_time_wins_and_deletes_take_what_is_there()
    {
        using var files = new SnapshotFiles(
            new WalBuilder().Write(A, (3, 3.0), (1, 1.0), (2, 2.0), (1, 1.5)).Write(B, (1, 10.0)).Bytes,
            [],
            new WalBuilder().Write(A, (2, 2.5)).DeleteRange(2, 3, A).Write(A, (3, 3.5)).DeleteRange(long.MinValue, long.MaxValue, B).Bytes);
        Assert.Equal(new() { [(A, 1)] = 1.5, [(A, 3)] = 3.5 }, files.Points);
        var run = Assert.Single(files.Result.Runs);
        Assert.Equal((2L, null), (run.Points, run.TombstoneFile));
        Assert.Equal("000000007-000000001.tsm", Path.GetFileName(run.TsmFile));
        Assert.Empty(files.Result.Warnings);
    }

    [Fact]
    public void A_log_without_points_makes_no_file()
    {
        foreach (var segments in new byte[][][]
        {
            [],
            [[], []],
            [new WalBuilder().DeleteRange(1, 5, A).Delete(B).Bytes],
            [new WalBuilder().Write(A, (1, 1.0)).Bytes, new WalBuilder().Delete(A).Bytes],
        })
        {
            using var files = new SnapshotFiles(segments);
            Assert.Empty(files.Result.Runs);
            Assert.Empty(Directory.GetFiles(files.Output));
        }
    }

    [Fact]
    public void A_later_delete_reaches_the_files_that_are_written_already()
    {
        using var files = new SnapshotFiles(
            budget: 1, new WalBuilder().Write(A, (1, 1.0), (2, 2.0)).DeleteRange(1, 1, A, B).Write(A, (1, 1.5)).Write(B, (1, 5.0)).Bytes);
        Assert.Equal(new() { [(A, 1)] = 1.5, [(A, 2)] = 2.0, [(B, 1)] = 5.0 }, files.Points);
        Assert.Equal(4, files.Result.Runs.Count);
        Assert.Equal([true, true, false, false], files.Result.Runs.Select(r => r.TombstoneFile is not null));
        Assert.Equal(6, Directory.GetFiles(files.Output).Length);
    }

    [Fact]
    public void A_field_may_come_back_with_another_type()
    {
        var dropped = new WalBuilder().Write(A, (1, 1.0)).DeleteRange(long.MinValue, long.MaxValue, A).Write(A, (2, 2L)).Bytes;
        using var files = new SnapshotFiles(dropped);
        Assert.Equal(new() { [(A, 2)] = 2L }, files.Points);
        Assert.Single(files.Result.Runs);

        var deleted = new WalBuilder().Write(A, (1, 1.0)).DeleteRange(0, 10, A).Write(A, (2, 2L)).Bytes;
        using var inRuns = new SnapshotFiles(deleted);
        Assert.Equal(new() { [(A, 2)] = 2L }, inRuns.Points);
        Assert.Single(inRuns.Result.Runs);

        using var both = new SnapshotFiles(new WalBuilder().Write(A, (1, 1.0)).Write(A, (2, "text")).Bytes);
        Assert.Equal(new() { [(A, 1)] = 1.0, [(A, 2)] = "text" }, both.Points);
        Assert.Equal(2, both.Result.Runs.Count);
    }

    [Fact]
    public void A_field_whose_type_changes_without_end_is_damage()
    {
        var log = new WalBuilder();
        for (var i = 0; i < 600; i++)
        {
            log.Write(A, (1, 1.0)).Write(A, (1, 1L));
        }
        var error = Assert.Throws<TsmFormatException>(() => new SnapshotFiles(log.Bytes));
        Assert.Contains("The type of fields changes more than 1000 times", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_ends_a_segment_and_the_next_one_is_read()
    {
        var damaged = new WalBuilder().Write(A, (1, 1.0)).Raw(9, 9, 9).Bytes;
        using var files = new SnapshotFiles(damaged, new WalBuilder().Write(A, (2, 2.0)).Bytes);
        Assert.Equal(new() { [(A, 1)] = 1.0, [(A, 2)] = 2.0 }, files.Points);
        Assert.Contains("_00001.wal", Assert.Single(files.Result.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_delete_behind_damage_deletes_nothing()
    {
        // Passed over at the second reading, the damaged write must still end the segment.
        var damaged = new WalBuilder().Write(A, (1, 1.0)).Packed(1, [3, 0]).DeleteRange(0, 9, A).Bytes;
        using var files = new SnapshotFiles(1, damaged, new WalBuilder().Write(A, (2, 2.0)).DeleteRange(2, 2, A).Bytes);
        Assert.Equal(new() { [(A, 1)] = 1.0 }, files.Points);
    }

    [Fact]
    public void What_is_not_a_number_is_left_out_and_told()
    {
        using var files = new SnapshotFiles(new WalBuilder().Write(A, (1, double.NaN), (2, 2.0)).Write(B, (1, double.NaN)).Bytes);
        Assert.Equal(new() { [(A, 2)] = 2.0 }, files.Points);
        Assert.Contains("2 values in the WAL are not numbers", Assert.Single(files.Result.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_type_and_many_blocks_come_back()
    {
        var log = new WalBuilder();
        var expected = new Dictionary<(string, long), object>();
        foreach (var (key, value) in new (string, Func<int, object>)[]
        {
            ("a#!~#f", i => i / 3.0), ("a#!~#i", i => (long)i * i), ("a#!~#b", i => i % 3 == 0), ("a#!~#s", i => new string('x', i % 50)),
            ("a#!~#u", i => ulong.MaxValue - (ulong)i), ("b#!~#large", i => new string((char)('a' + i % 26), 5_000)),
        })
        {
            var points = Enumerable.Range(0, 2500).Select(i => ((long)i * 1_000_000, value(i))).ToArray();
            log.Write(key, points);
            points.ToList().ForEach(p => expected[(key, p.Item1)] = p.Item2);
        }
        using var files = new SnapshotFiles(64 << 20, log.Bytes);
        Assert.Single(files.Result.Runs);
        Assert.Equal(expected, files.Points);
    }

    [Fact]
    public void Many_deletes_of_many_points_take_no_time()
    {
        // As many pairs as these would take hours.
        var log = new WalBuilder().Write(A, Enumerable.Range(0, 200_000).Select(i => ((long)i, (object)1.0)).ToArray());
        log.DeleteRange(10, 199_990, Enumerable.Repeat(A, 200_000).ToArray());
        for (var i = 0; i < 5000; i++)
        {
            log.DeleteRange(i, 100_000 + i, A, B);
        }
        using var files = new SnapshotFiles(log.Bytes);
        Assert.Equal(9, files.Points.Count);
    }

    [Fact]
    public void A_snapshot_can_be_cancelled()
    {
        using var directory = new TemporaryDirectory();
        var segment = new WalBuilder().Write(A, (1, 1.0)).Save(directory["_00001.wal"]);
        Assert.Throws<OperationCanceledException>(() => InfluxBackup.Wal.WalSnapshot.Write(
            [segment], new InfluxBackup.Wal.WalSnapshotOptions { Directory = directory }, new CancellationToken(true)));
    }
}
