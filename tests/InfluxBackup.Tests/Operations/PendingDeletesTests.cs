using System.Text;
using InfluxBackup.Emulator;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Tests.BackupSets;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Tests.Tsm;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations;

/// <summary>Deletes in a backup are known before a restore begins, and done before a shard is uploaded.</summary>
public sealed class PendingDeletesTests : IDisposable
{
    private const string Key = "m,t=a#!~#f";
    private const string File = "000000001-000000001";

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    private static byte[] Tsm(params long[] times) =>
        TsmEncoder.File((Key, 2, [(times[0], times[^1], TsmEncoder.Block(2, TsmEncoder.RawTimes(times), TsmEncoder.Booleans([.. times.Select(_ => true)])))]));

    private static byte[] Tombstone(params (long Min, long Max)[] ranges) =>
        [0, 0, 0x15, 2, .. ranges.SelectMany(r => (byte[])[.. TsmEncoder.BigEndian((ulong)Key.Length)[4..], .. Encoding.ASCII.GetBytes(Key), .. TsmEncoder.BigEndian((ulong)r.Min), .. TsmEncoder.BigEndian((ulong)r.Max)])];

    /// <summary>A set of shard 1 with these files, and of shard 2 with a file and nothing deleted.</summary>
    private async Task<string> MakeSetAsync(byte[] tombstone, byte[] tsm)
    {
        var set = directory["set"];
        using var writer = Sets.Begin(set);
        var path = Sets.Key(1).Path;
        var first = await Sets.WriteAsync(writer, Sets.Key(1), new TarBuilder().Entry($"{path}/{File}.tombstone", tombstone).Entry($"{path}/{File}.tsm", tsm).Zeros().ToArray());
        var second = await Sets.WriteAsync(writer, Sets.Key(2), new TarBuilder().Entry($"{Sets.Key(2).Path}/{File}.tsm", Tsm(1, 2)).Zeros().ToArray());
        Sets.Commit(writer, first, second);
        return set;
    }

    /// <summary>Plans a restore of the set and runs it where nothing stands against it; the sizes of the files that the server has then.</summary>
    private async Task<(RestorePlan Plan, RestoreResult? Result, List<long[]> Sizes)> RestoreAsync(string set, bool allowPartial = false)
    {
        Directory.CreateDirectory(directory["node"]);
        await using var node = await EmulatedDataNode.StartAsync(new EmulatedDataNodeOptions { Directory = directory["node"] });
        var operation = new RestoreOperation(new RestoreOptions
        {
            Path = set,
            Server = new ServerAccess { DataNode = DataNodeAddress.Parse(node.Address) },
            AllowPartial = allowPartial,
            Retry = new TransferOptions { MaxAttempts = 1 },
        });
        var plan = await operation.PlanAsync(Cancel);
        var result = plan.Conflicts.Count > 0 ? null : await operation.RunAsync(plan, Cancel);
        var sizes = (result?.Shards ?? []).Where(s => s.Target is not null).Select(s => Directory.GetFiles(node.ShardDirectory(s.Target!)).Select(f => new FileInfo(f).Length).ToArray()).ToList();
        return (plan, result, sizes);
    }

    [Fact]
    public async Task They_are_counted_in_the_plan_and_in_the_result_and_only_what_is_left_is_sent()
    {
        var (plan, result, sizes) = await RestoreAsync(await MakeSetAsync(Tombstone((1, 1), (4, 9)), Tsm(1, 2, 3, 4)));
        Assert.Empty(plan.Conflicts);
        Assert.Equal([2L, 0L], plan.Shards.Select(s => s.PendingDeletes));
        Assert.Contains("2 pending deletes applied", plan.ToString(), StringComparison.Ordinal);
        Assert.Equal(Outcome.Complete, result!.Outcome);
        Assert.Equal([2L, 0L], result.Shards.Select(s => s.DeletesApplied));
        Assert.Equal(2, result.DeletesApplied);
        // Two times in raw eight bytes each, packed anew as a run.
        Assert.All(sizes, s => Assert.Single(s));
        Assert.True(sizes[0][0] < Tsm(1, 2, 3, 4).Length);
    }

    [Fact]
    public async Task A_shard_of_which_nothing_is_left_is_created_empty_and_that_is_a_success()
    {
        var (_, result, sizes) = await RestoreAsync(await MakeSetAsync(Tombstone((long.MinValue, long.MaxValue)), Tsm(1, 2, 3, 4)));
        Assert.Equal(Outcome.Complete, result!.Outcome);
        Assert.Equal(1, result.DeletesApplied);
        Assert.Equal(0, result.Shards[0].Result.Receipt!.StoredBytes);
        Assert.Empty(sizes[0]);
        Assert.Single(sizes[1]);
    }

    [Fact]
    public async Task Deletes_that_can_not_be_read_are_known_before_anything_is_done()
    {
        var tombstone = Tombstone((1, 1));
        tombstone[4] = 0x7f;
        var set = await MakeSetAsync(tombstone, Tsm(1, 2, 3, 4));
        var (plan, result, _) = await RestoreAsync(set);
        Assert.Equal("TombstoneDamaged", Assert.Single(plan.Conflicts).Id);
        Assert.Null(result);

        (_, result, _) = await RestoreAsync(set, allowPartial: true);
        Assert.Equal(Outcome.Partial, result!.Outcome);
        Assert.Equal(2UL, Assert.Single(result.Shards, s => s.Result.Outcome == ShardOutcome.Complete).Source.Id);
    }

    [Fact]
    public async Task A_tombstone_that_is_cut_is_warned_of()
    {
        var (plan, result, _) = await RestoreAsync(await MakeSetAsync(Tombstone((1, 1), (2, 2))[..^1], Tsm(1, 2, 3, 4)));
        Assert.Contains("truncated", Assert.Single(plan.Warnings), StringComparison.Ordinal);
        Assert.Single(result!.Warnings);
        Assert.Equal(1, result.DeletesApplied);
    }

    [Fact]
    public async Task A_file_whose_points_can_not_be_told_apart_is_not_uploaded_and_the_others_are()
    {
        var tsm = Tsm(1, 2, 3, 4);
        tsm[20] ^= 1;
        var (plan, result, sizes) = await RestoreAsync(await MakeSetAsync(Tombstone((1, 1)), tsm));
        Assert.Empty(plan.Conflicts);
        Assert.Equal(Outcome.Partial, result!.Outcome);
        Assert.Equal("TsmFileDamaged", result.Shards[0].Result.Error?.Id);
        Assert.Equal(0, result.DeletesApplied);
        Assert.Empty(sizes[0]);
        Assert.Single(sizes[1]);
    }
}
