using System.Formats.Tar;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Shards with pending deletes go on their way without the deleted points, and leave nothing on the disk.</summary>
public sealed class ReshardingDeletesTests : IDisposable
{
    private const string Key = "m,t=a#!~#f";
    private const string First = "000000001-000000001";
    private const string Second = "000000002-000000001";

    private static readonly ShardKey Shard = Sets.Key(7);

    private readonly TemporaryDirectory temporary = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => temporary.Dispose();

    private static string In(string name) => $"{Shard.Path}/{name}";

    /// <summary>A TSM file with points at these times.</summary>
    private static byte[] Tsm(params long[] times) =>
        TsmEncoder.File((Key, 2, [(times[0], times[^1], TsmEncoder.Block(2, TsmEncoder.RawTimes(times), TsmEncoder.Booleans([.. times.Select(_ => true)])))]));

    private static byte[] Tombstone(params (long Min, long Max)[] ranges) =>
        [0, 0, 0x15, 2, .. ranges.SelectMany(r => (byte[])[.. TsmEncoder.BigEndian((ulong)Key.Length)[4..], .. Encoding.ASCII.GetBytes(Key), .. TsmEncoder.BigEndian((ulong)r.Min), .. TsmEncoder.BigEndian((ulong)r.Max)])];

    private static byte[] Tar(params (string Name, byte[] Data)[] files) =>
        files.Aggregate(new TarBuilder(), (tar, file) => tar.Entry(In(file.Name), file.Data)).Zeros().ToArray();

    private async Task<(ShardResult Result, FakeSink Sink, ReshardingSource Source)> CarryAsync(FakeSource inner, FakeSink? sink = null, string? directory = null)
    {
        sink ??= new FakeSink();
        var source = new ReshardingSource(inner, ShardPlacement.None, new HashSet<ShardKey> { Shard }, NullLogger.Instance, directory ?? temporary[""]);
        var options = new TransferOptions { MaxAttempts = 3, RetryDelay = TimeSpan.FromMilliseconds(1) };
        var result = Assert.Single(await new ShardTransfer(options).RunAsync([new ShardTask(Shard)], source, sink, Cancel));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
        return (result, sink, source);
    }

    private Task<(ShardResult Result, FakeSink Sink, ReshardingSource Source)> CarryAsync(params (string Name, byte[] Data)[] files) =>
        CarryAsync(new FakeSource((_, _) => Tar(files)));

    private static List<(string Name, long[] Times)> Files(byte[] tar)
    {
        var files = new List<(string, long[])>();
        using var reader = new TarReader(new MemoryStream(tar));
        while (reader.GetNextEntry() is { } entry)
        {
            var copy = new MemoryStream();
            entry.DataStream!.CopyTo(copy);
            using var points = new TsmPoints();
            using var file = TsmFile.FromMemory(copy.ToArray(), entry.Name);
            Assert.Empty(TsmFileVerifier.Verify(file, Cancel).Problems);
            using var index = file.ReadIndex();
            var times = new List<long>();
            while (index.ReadKey())
            {
                while (index.ReadEntry(out var block))
                {
                    points.Decode(copy.GetBuffer().AsSpan((int)block.BlockOffset, (int)block.BlockSize));
                    times.AddRange(points.Times);
                }
            }

            files.Add((entry.Name, [.. times]));
        }

        return files;
    }

    private static List<string> Described(byte[] tar) => Files(tar).Select(f => $"{f.Name}: {string.Join(' ', f.Times)}").ToList();

    [Fact]
    public async Task Deletes_apply_to_the_file_of_their_name_alone_whichever_comes_first()
    {
        var (result, sink, source) = await CarryAsync((First + ".tombstone", Tombstone((2, 3), (9, 9))), (First + ".tsm", Tsm(1, 2, 3, 4)), (Second + ".tsm", Tsm(2, 3)));
        Assert.Equal(ShardOutcome.Complete, result.Outcome);
        Assert.Equal([$"{In(First)}.tsm: 1 4", $"{In(Second)}.tsm: 2 3"], Described(sink.Kept[Shard]));
        Assert.Equal(2, source.AppliedTo(Shard));

        (_, sink, _) = await CarryAsync((Second + ".tsm", Tsm(2, 3)), (First + ".tsm", Tsm(1, 2, 3, 4)), (First + ".tombstone", Tombstone((2, 3))));
        Assert.Equal([$"{In(First)}.tsm: 1 4", $"{In(Second)}.tsm: 2 3"], Described(sink.Kept[Shard]));
    }

    [Fact]
    public async Task A_file_that_nothing_is_left_of_goes_and_a_shard_may_become_empty()
    {
        var (result, sink, source) = await CarryAsync((First + ".tombstone", Tombstone((long.MinValue, long.MaxValue))), (First + ".tsm", Tsm(1, 2, 3)));
        Assert.Equal(ShardOutcome.Complete, result.Outcome);
        Assert.Equal(new byte[1024], sink.Kept[Shard]);
        Assert.Equal(1, source.AppliedTo(Shard));
        Assert.Empty(result.Archive!.Entries);
    }

    [Fact]
    public async Task Of_a_file_that_comes_twice_the_later_counts_and_a_tombstone_alone_deletes_nothing()
    {
        var (result, sink, source) = await CarryAsync(
            (First + ".tsm", Tsm(1, 2, 3, 4, 5, 6)), (First + ".tsm", Tsm(1, 2)), (First + ".tombstone", Tombstone((1, 1))), (Second + ".tombstone", Tombstone((1, 9))));
        Assert.Equal([$"{In(First)}.tsm: 2"], Described(sink.Kept[Shard]));
        Assert.Equal(1, source.AppliedTo(Shard));
        Assert.Equal(2, result.Warnings.Count(w => w.Contains("twice", StringComparison.Ordinal) || w.Contains("no TSM file", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Other_shards_pass_through_untouched()
    {
        var tar = TarBuilder.Shard(Sets.Key(8), 500);
        using var source = new ReshardingSource(new FakeSource((_, _) => tar), ShardPlacement.None, new HashSet<ShardKey> { Shard }, NullLogger.Instance, temporary["does not exist"]);
        var sink = new FakeSink();
        await new ShardTransfer(new TransferOptions()).RunAsync([new ShardTask(Sets.Key(8))], source, sink, Cancel);
        Assert.Equal(tar, sink.Kept[Sets.Key(8)]);
        Assert.Equal(0, source.AppliedTo(Sets.Key(8)));
    }

    [Fact]
    public async Task An_attempt_that_fails_is_made_again_from_the_archive()
    {
        var tries = 0;
        var sink = new FakeSink
        {
            Accepting = _ =>
            {
                if (++tries == 1)
                {
                    throw new InfluxBackupException("ShardUploadLost", ErrorKind.InvalidData, "lost") { IsTransient = true };
                }
            },
        };
        var inner = new FakeSource((_, _) => Tar((First + ".tombstone", Tombstone((1, 1))), (First + ".tsm", Tsm(1, 2))));
        var (result, _, source) = await CarryAsync(inner, sink);
        Assert.Equal(2, result.Attempts);
        Assert.Equal([$"{In(First)}.tsm: 2"], Described(sink.Kept[Shard]));
        Assert.Equal(1, source.AppliedTo(Shard));
    }

    [Fact]
    public async Task An_archive_that_its_source_does_not_confirm_goes_nowhere()
    {
        var inner = new FakeSource((_, _) => Tar((First + ".tombstone", Tombstone((1, 1))), (First + ".tsm", Tsm(1, 2))))
        {
            Confirming = (_, _) => throw new InfluxBackupException("ShardEntriesDiffer", ErrorKind.InvalidData, "differs"),
        };
        var (result, sink, _) = await CarryAsync(inner);
        Assert.Equal("ShardEntriesDiffer", result.Error?.Id);
        Assert.Empty(sink.Kept);
    }

    [Fact]
    public async Task A_place_that_can_not_be_written_to_is_named_with_what_to_do()
    {
        var file = temporary["file"];
        await File.WriteAllTextAsync(file, "no directory", Cancel);
        var inner = new FakeSource((_, _) => Tar((First + ".tombstone", Tombstone((1, 1))), (First + ".tsm", Tsm(1, 2))));
        using var source = new ReshardingSource(inner, ShardPlacement.None, new HashSet<ShardKey> { Shard }, NullLogger.Instance, file);
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => source.OpenAsync(Shard, Cancel));
        Assert.Equal(ErrorKind.Write, error.Kind);
        Assert.Contains("TMPDIR", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_run_leaves_nothing_on_the_disk()
    {
        using var cancel = new CancellationTokenSource();
        var inner = new FakeSource((_, _) => Tar((First + ".tombstone", Tombstone((1, 1))), (First + ".tsm", Tsm(1, 2)))) { Confirming = (_, _) => cancel.Cancel() };
        using var source = new ReshardingSource(inner, ShardPlacement.None, new HashSet<ShardKey> { Shard }, NullLogger.Instance, temporary[""]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new ShardTransfer(new TransferOptions()).RunAsync([new ShardTask(Shard)], source, new FakeSink(), cancel.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary[""]));
    }

    [Fact]
    public async Task A_tombstone_that_is_cut_deletes_what_its_whole_records_say_and_one_that_is_broken_is_an_error()
    {
        var whole = Tombstone((1, 1), (2, 2));
        var (result, sink, _) = await CarryAsync((First + ".tombstone", whole[..^3]), (First + ".tsm", Tsm(1, 2)));
        Assert.Equal([$"{In(First)}.tsm: 2"], Described(sink.Kept[Shard]));
        Assert.Contains(result.Warnings, w => w.Contains("truncated", StringComparison.Ordinal));

        whole[4] = 0xff;
        (result, sink, _) = await CarryAsync((First + ".tombstone", whole), (First + ".tsm", Tsm(1, 2)));
        Assert.Equal("TombstoneDamaged", result.Error?.Id);
        Assert.Contains(First, result.Error!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(temporary[""], result.Error.Message, StringComparison.Ordinal);
        Assert.Empty(sink.Kept);
    }

    [Fact]
    public void Whatever_is_damaged_there_is_a_clear_error_and_nothing_goes_on_its_way_or_only_what_is_sound()
    {
        byte[][] files = [Tombstone((2, 3), (9, 9)), Tsm(1, 2, 3, 4)];
        var damage = from which in Gen.Choose(0, 1)
                     from count in Gen.Choose(1, 3)
                     from at in Gen.Choose(0, files[which].Length - 1).ArrayOf(count)
                     from value in Gen.Choose(0, 255).ArrayOf(count)
                     from cut in Gen.Frequency((3, Gen.Constant(files[which].Length)), (1, Gen.Choose(0, files[which].Length)))
                     select (Which: which, At: at, Value: value, Cut: cut);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(damage.ToArbitrary(), d =>
        {
            byte[][] damaged = [.. files.Select(f => (byte[])f.Clone())];
            foreach (var (at, value) in d.At.Zip(d.Value))
            {
                damaged[d.Which][at] = (byte)value;
            }

            damaged[d.Which] = damaged[d.Which][..d.Cut];
            var (result, sink, _) = CarryAsync((First + ".tombstone", damaged[0]), (First + ".tsm", damaged[1])).GetAwaiter().GetResult();
            if (result.Error is { } error)
            {
                Assert.Contains(error.Id, (string[])["TombstoneDamaged", "TsmFileDamaged"]);
                Assert.Empty(sink.Kept);
            }
            else
            {
                Assert.All(Files(sink.Kept[Shard]), f => Assert.Subset(new HashSet<long> { 1, 2, 3, 4 }, f.Times.ToHashSet()));
            }
        }));
    }
}
