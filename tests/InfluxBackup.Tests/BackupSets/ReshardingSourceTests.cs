using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Every point of the source is in the one shard of the target that it belongs to, with the value that it had, and nothing else is.</summary>
public sealed class ReshardingSourceTests : IDisposable
{
    private readonly TemporaryDirectory temporary = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => temporary.Dispose();

    private async Task<(IReadOnlyList<ShardResult> Results, FakeSink Sink)> CarryAsync(
        IShardSource inner, ShardPlacement placement, HashSet<ShardKey> withTombstones, FileNumbering? numbering = null)
    {
        var sink = new FakeSink();
        IReadOnlyList<ShardResult> results;
        using (var source = new ReshardingSource(inner, placement, withTombstones, NullLogger.Instance, temporary[""]) { Numbering = _ => numbering ?? FileNumbering.Keep })
        {
            var tasks = placement.Targets.Select(t => new ShardTask(t.Key)).ToList();
            results = await new ShardTransfer(new TransferOptions { MaxAttempts = 1, Parallelism = 2 }).RunAsync(tasks, source, sink, Cancel);
            Assert.True(results.Any(r => r.Error is not null) || !Directory.EnumerateFileSystemEntries(temporary[""]).Any());
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
        return (results, sink);
    }

    private static byte[] Tar(ShardKey shard, params (string Name, BuiltFile File)[] files) =>
        files.Aggregate(new TarBuilder(), (tar, file) => tar.Entry($"{shard.Path}/{file.Name}", file.File.ToArray())).Zeros().ToArray();

    private static List<string> Names(ShardResult result) => result.Archive!.Entries.Select(e => e.Name).ToList();

    private static IEnumerable<string> Described(byte[] tar) => ReshardedPoints.Read(tar).OrderBy(p => p.Key.Key, StringComparer.Ordinal).ThenBy(p => p.Key.Time).Select(p => $"{p.Key.Key} {p.Key.Time} {p.Value}");

    [Fact]
    public void Whatever_groups_and_files_there_are_all_points_are_where_they_belong_and_nowhere_else()
    {
        var cases = from seed in Gen.Choose(0, int.MaxValue) select seed;
        var (passed, cut) = (0, 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(cases.ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var source = Groups.Metadata(100, Groups.Random(random, 10, 3));
            var points = new ReshardedPoints(random, source);
            var target = Groups.Metadata(100, random.Next(3) == 0 ? Alike(source) : Others(random));
            var placement = ShardPlacement.Create(source, points.Files.Keys, target);
            Assert.True(placement.IsComplete);
            FileNumbering? numbering = random.Next(3) switch { 0 => FileNumbering.FromGeneration(40), 1 => FileNumbering.SequencesOf(0), _ => null };
            var (results, sink) = CarryAsync(new FakeSource((shard, _) => points.Tar(shard)), placement, points.WithTombstones, numbering).GetAwaiter().GetResult();
            Assert.All(results, r => Assert.Equal(ShardOutcome.Complete, r.Outcome));
            var expected = points.Expect(target);
            foreach (var shard in placement.Targets)
            {
                Assert.Equal(expected.GetValueOrDefault(shard.Key) ?? [], ReshardedPoints.Read(sink.Kept[shard.Key]));
                expected.Remove(shard.Key);
                _ = shard.IsOneWhole ? passed++ : cut++;
            }

            Assert.Empty(expected);
            Assert.All(results.SelectMany(Names), n => Assert.True(ShardFileName.IsSafeTsmName(n)));
        }));
        Assert.True(passed > 2 && cut > 100);
    }

    /// <summary>The groups of the source, as far as they are alive, and one for all other times.</summary>
    private static ShardGroupInfo[] Alike(ServerMetadata source)
    {
        var copies = source.Data.Clone().Databases[0].RetentionPolicies[0].ShardGroups.Where(g => g.DeletedAt == 0).ToList();
        copies.ForEach(g => g.TruncatedAt = 0);
        return [.. copies, Groups.Of(700, 0, 10_000, 700, 701)];
    }

    /// <summary>Some that are deleted or truncated, and groups for all times.</summary>
    private static ShardGroupInfo[] Others(Random random)
    {
        var groups = new List<ShardGroupInfo>(Groups.Random(random, 500, 4));
        for (var (start, id) = (0L, 700); start < 500; id += 10)
        {
            var end = start + random.Next(20, 200);
            groups.Add(Groups.Of(id, start, end, [.. Enumerable.Range(id, random.Next(1, 5))]));
            start = end;
        }

        return [.. groups];
    }

    [Fact]
    public async Task A_whole_shard_passes_untouched_under_the_names_of_its_source()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11)), Groups.Metadata(100, Groups.Of(5, 0, 200, 51)));
        var tar = TarBuilder.Shard(Groups.Key(11), 500);
        var asked = new List<ShardKey>();
        var inner = new FakeSource((_, _) => tar) { Confirming = (shard, _) => asked.Add(shard), Warnings = ["from the source"] };
        var (results, sink) = await CarryAsync(inner, Groups.Place(source, target), []);
        Assert.Equal(tar, sink.Kept[Groups.Key(51)]);
        Assert.Contains("from the source", Assert.Single(results).Warnings);
        Assert.Equal([Groups.Key(11)], asked);
    }

    [Fact]
    public async Task Names_of_another_shard_are_refused_all_the_same()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11)), Groups.Metadata(100, Groups.Of(5, 0, 200, 51)));
        var (results, _) = await CarryAsync(new FakeSource((_, _) => TarBuilder.Shard(Groups.Key(51), 500)), Groups.Place(source, target), []);
        Assert.Equal("ShardArchiveUnsafe", Assert.Single(results).Error?.Id);
    }

    [Fact]
    public async Task Of_shards_that_become_one_the_younger_ones_points_win()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(2, 50, 100, 12), Groups.Of(1, 0, 100, 11)), Groups.Metadata(100, Groups.Of(5, 0, 100, 51)));
        var inner = new FakeSource((shard, _) => shard.Id == 11
            ? Tar(shard, ("000000004-000000002.tsm", new BuiltFile().Integers("m", "f", (1, 1), (60, 1))), ("000000009-000000001.tsm", new BuiltFile().Integers("m", "f", (60, 2), (61, 2))))
            : Tar(shard, ("000000001-000000003.tsm", new BuiltFile().Integers("m", "f", (61, 3), (99, 3)))));
        var (results, sink) = await CarryAsync(inner, Groups.Place(source, target), []);
        Assert.Equal(["m#!~#f 1 1", "m#!~#f 60 2", "m#!~#f 61 3", "m#!~#f 99 3"], Described(sink.Kept[Groups.Key(51)]));
        Assert.Equal(["000000001-000000002.tsm", "000000002-000000001.tsm", "000000003-000000003.tsm"], Names(results[0]));
    }

    [Fact]
    public async Task Files_get_the_numbers_that_are_wanted_also_where_nothing_is_cut()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11)), Groups.Metadata(100, Groups.Of(5, 0, 100, 51)));
        var inner = new FakeSource((shard, _) => Tar(shard, ("000000004-000000002.tsm", new BuiltFile().Integers("m", "f", (1, 1))), ("000000009-000000001.tsm", new BuiltFile().Integers("m", "f", (1, 2)))));
        var (results, sink) = await CarryAsync(inner, Groups.Place(source, target), [], FileNumbering.SequencesOf(0));
        Assert.Equal(["000000000-000000001.tsm", "000000000-000000002.tsm"], Names(results[0]));
        Assert.Equal(["m#!~#f 1 2"], Described(sink.Kept[Groups.Key(51)]));
    }

    [Fact]
    public async Task A_series_that_lies_in_the_wrong_shard_goes_where_it_belongs()
    {
        // Both shards have all eight series, so most of what each has hashes to the other.
        var series = Enumerable.Range(0, 8).Select(i => $"m,t={i}").ToList();
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11, 12)), Groups.Metadata(100, Groups.Of(5, 0, 100, 51, 52, 53)));
        var inner = new FakeSource((shard, _) => Tar(shard, ("000000001-000000001.tsm", series.Aggregate(new BuiltFile(), (file, s) => file.Integers(s, "f", ((long)shard.Id, 1))))));
        var (_, sink) = await CarryAsync(inner, Groups.Place(source, target), []);
        var found = sink.Kept.SelectMany(k => ReshardedPoints.Read(k.Value).Select(p => (k.Key.Id, p.Key.Key, p.Key.Time))).ToList();
        Assert.Equal(16, found.Count);
        Assert.All(found, p => Assert.Equal(51 + SeriesSlot.Of(System.Text.Encoding.UTF8.GetBytes(p.Key), 3), (int)p.Id));
    }

    [Fact]
    public async Task Points_without_a_shard_group_are_counted_and_nothing_of_their_shard_is_sent()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11)), Groups.Metadata(100, Groups.Of(5, 0, 50, 51), Groups.Of(6, 80, 100, 52)));
        var placement = Groups.Place(source, target);
        Assert.Equal(new TimeRange(50, 79), Assert.Single(placement.Unplaced).Times);

        var inner = new FakeSource((shard, _) => Tar(shard, ("000000001-000000001.tsm", new BuiltFile().Integers("m", "f", (1, 1), (50, 1), (79, 1), (80, 1)))));
        var (results, sink) = await CarryAsync(inner, placement, []);
        Assert.All(results, r => Assert.Equal("PointsWithoutShard", r.Error?.Id));
        Assert.All(results, r => Assert.StartsWith("2 points of shard 11 ", r.Error!.Message, StringComparison.Ordinal));
        Assert.Empty(sink.Kept);

        // Times without points are no loss.
        inner = new FakeSource((shard, _) => Tar(shard, ("000000001-000000001.tsm", new BuiltFile().Integers("m", "f", (-5, 1), (1, 1), (80, 1), (300, 1)))));
        (_, sink) = await CarryAsync(inner, placement, []);
        Assert.Equal(["m#!~#f -5 1", "m#!~#f 1 1"], Described(sink.Kept[Groups.Key(51)]));
        Assert.Equal(["m#!~#f 300 1", "m#!~#f 80 1"], Described(sink.Kept[Groups.Key(52)]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_shard_that_several_take_of_is_unpacked_once_and_goes_when_all_have_theirs()
    {
        var source = Groups.Metadata(100, Groups.Of(1, 0, 100, 11), Groups.Of(2, 100, 200, 12), Groups.Of(3, 200, 300, 13), Groups.Of(4, 300, 400, 14));
        var target = Groups.Metadata(100, [.. Enumerable.Range(0, 40).Select(i => Groups.Of(50 + i, i * 10, (i + 1) * 10, 500 + i))]);
        var inner = new FakeSource((shard, _) => Tar(shard, ("000000001-000000001.tsm", new BuiltFile().Integers("m", "f", [.. Enumerable.Range(0, 100).Select(i => ((((long)shard.Id - 11) * 100) + i, 1L))]))));
        var placement = Groups.Place(source, target);

        // The tasks come mixed, and what is unpacked is asked for first all the same.
        using var resharding = new ReshardingSource(inner, placement, new HashSet<ShardKey>(), NullLogger.Instance, temporary[""]);
        var tasks = placement.Targets.OrderBy(t => t.Key.Id % 10).Select(t => new ShardTask(t.Key)).ToList();
        var sink = new FakeSink();
        var results = await new ShardTransfer(new TransferOptions { MaxAttempts = 1, Parallelism = 1 }).RunAsync(tasks, resharding, sink, Cancel);
        Assert.All(results, r => Assert.Equal(ShardOutcome.Complete, r.Outcome));
        Assert.All(placement.Targets, t => Assert.Equal(10, ReshardedPoints.Read(sink.Kept[t.Key]).Count));
        Assert.All(Enumerable.Range(11, 4), id => Assert.Equal(1, inner.Attempts(Groups.Key((ulong)id))));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));

        // One that is wanted again is unpacked again.
        await (await resharding.OpenAsync(Groups.Key(500), Cancel)).DisposeAsync();
        Assert.Equal(2, inner.Attempts(Groups.Key(11)));
    }

    [Fact]
    public async Task Few_shards_lie_unpacked_for_others_and_none_when_all_is_over()
    {
        var source = Groups.Metadata(100, [.. Enumerable.Range(0, 6).Select(i => Groups.Of(1 + i, i * 100, (i + 1) * 100, 11 + i))]);
        var target = Groups.Metadata(100, [.. Enumerable.Range(0, 6).Select(i => Groups.Of(50 + i, i * 100, (i + 1) * 100, 500 + (2 * i), 501 + (2 * i)))]);
        var inner = new FakeSource((shard, _) => Tar(shard, ("000000001-000000001.tsm", new BuiltFile().Integers("m", "f", ((((long)shard.Id - 11) * 100) + 1, 1)))));
        using (var resharding = new ReshardingSource(inner, Groups.Place(source, target), new HashSet<ShardKey>(), NullLogger.Instance, temporary[""]))
        {
            for (var i = 0; i < 6; i++)
            {
                await (await resharding.OpenAsync(Groups.Key(500 + (2 * (ulong)i)), Cancel)).DisposeAsync();
                Assert.Equal(Math.Min(i + 1, 2), Directory.GetDirectories(temporary[""]).Length);
            }
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
    }

    [Fact]
    public async Task A_damaged_file_of_one_source_is_named_and_nothing_goes_on_its_way()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11)), Groups.Metadata(100, Groups.Of(5, 0, 100, 51, 52)));
        var tar = Tar(Groups.Key(11), ("000000001-000000001.tsm", new BuiltFile().Integers("m,t=1", "f", (1, 1)).Integers("m,t=2", "f", (1, 1))));
        tar[512 + 5 + 4 + 3] ^= 1;
        var (results, sink) = await CarryAsync(new FakeSource((_, _) => tar), Groups.Place(source, target), []);
        var error = Assert.Single(results, r => r.Error is not null).Error!;
        Assert.Equal("TsmFileDamaged", error.Id);
        Assert.Contains("'000000001-000000001.tsm'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(temporary[""], error.Message, StringComparison.Ordinal);
        Assert.Single(sink.Kept);
    }

    [Fact]
    public async Task A_source_that_is_not_confirmed_goes_nowhere_and_a_cancelled_run_leaves_nothing()
    {
        var (source, target) = (Groups.Metadata(100, Groups.Of(1, 0, 100, 11, 12)), Groups.Metadata(100, Groups.Of(5, 0, 100, 51)));
        byte[] Answer(ShardKey shard, int attempt) => Tar(shard, ("000000001-000000001.tsm", new BuiltFile().Integers("m", "f", (1, 1))));
        var unsure = new FakeSource(Answer)
        {
            Confirming = (shard, _) =>
            {
                if (shard.Id == 12)
                {
                    throw new InfluxBackupException("ShardEntriesDiffer", ErrorKind.InvalidData, "differs");
                }
            },
        };
        var (results, sink) = await CarryAsync(unsure, Groups.Place(source, target), []);
        Assert.Equal("ShardEntriesDiffer", Assert.Single(results).Error?.Id);
        Assert.Empty(sink.Kept);

        using var cancel = new CancellationTokenSource();
        var cancelling = new FakeSource(Answer) { Confirming = (_, _) => cancel.Cancel() };
        using var resharding = new ReshardingSource(cancelling, Groups.Place(source, target), new HashSet<ShardKey>(), NullLogger.Instance, temporary[""]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resharding.OpenAsync(Groups.Key(51), cancel.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
    }
}
