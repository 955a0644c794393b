using System.Buffers.Binary;
using InfluxBackup.Operations;
using InfluxBackup.Tests.DataDirectory;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>Damage is an error that says where; with leave to be partial, it is what is missing. It is never a wrong point.</summary>
public sealed class ExportDamageTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static GeneratedFile TwoBlocks => new(
    [
        new GeneratedBlock("m,t=1", "f", [(1, 1.5), (2, 2.5)]),
        new GeneratedBlock("m,t=1", "f", [(3, 3.5), (4, 4.5)]),
        new GeneratedBlock("m,t=1", "g", [(1, 10L), (4, 40L)]),
    ], []);

    [Theory]
    [InlineData(ExportSplit.None)]
    [InlineData(ExportSplit.Shard)]
    [InlineData(ExportSplit.Day)]
    public async Task A_damaged_block_is_named_and_no_file_gets_its_name(ExportSplit split)
    {
        using var server = new GeneratedServer();
        var path = server.Add("db/rp/7", 1, TwoBlocks);
        Flip(path, 30);
        var options = server.Options(server["out"]) with { Split = split };

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.RunAsync(options));

        Assert.Equal("TsmFileDamaged", error.Id);
        Assert.Contains("shard 7 (db.rp)", error.Message, StringComparison.Ordinal);
        Assert.Contains("000000001-000000001.tsm", error.Message, StringComparison.Ordinal);
        Assert.Contains("offset 5", error.Message, StringComparison.Ordinal);
        Assert.Contains("m,t=1", error.Message, StringComparison.Ordinal);
        Assert.Contains("-AllowPartial", error.Remedy, StringComparison.Ordinal);
        Assert.False(File.Exists(server["out"]));
        Assert.DoesNotContain(Directory.Exists(server["out"]) ? Directory.GetFiles(server["out"]) : [], f => f.EndsWith(".lp", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ExportSplit.None)]
    [InlineData(ExportSplit.Day)]
    public async Task Where_it_may_be_partial_what_is_sound_is_exported_and_the_rest_named(ExportSplit split)
    {
        using var server = new GeneratedServer();
        Flip(server.Add("db/rp/7", 1, TwoBlocks), 30);
        var result = await Exports.RunAsync(server.Options(server["out"]) with { AllowPartial = true, Split = split });

        Assert.Equal(Outcome.Partial, result.Outcome);
        var finding = Assert.Single(result.Findings);
        Assert.Equal(("BlockDamaged", "db", "rp", 7UL), (finding.Check, finding.Database, finding.RetentionPolicy, finding.ShardId));
        Assert.EndsWith("000000001-000000001.tsm", finding.File, StringComparison.Ordinal);
        Assert.Contains("m,t=1", finding.Series, StringComparison.Ordinal);
        Assert.Equal(
            ["m,t=1 g=10i 1", "m,t=1 f=3.5 3", "m,t=1 f=4.5,g=40i 4"],
            File.ReadAllLines(Assert.Single(result.Files).Path).Where(l => l.StartsWith("m,", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(ExportSplit.None)]
    [InlineData(ExportSplit.Day)]
    public async Task A_file_without_an_index_is_left_out_only_where_it_may_be(ExportSplit split)
    {
        using var server = new GeneratedServer();
        server.Add("db/rp/7", 1, TwoBlocks);
        var path = server.Add("db/rp/7", 2, TwoBlocks);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^20]);
        var options = server.Options(server["out"]) with { Split = split };
        Assert.Equal("TsmFileDamaged", (await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.RunAsync(options))).Id);

        var result = await Exports.RunAsync(options with { AllowPartial = true, Force = true });

        Assert.Equal("FileDamaged", Assert.Single(result.Findings).Check);
        Assert.Equal(6, result.Points);
    }

    [Fact]
    public async Task Every_hostile_set_ends_in_our_words()
    {
        var sets = Directory.GetDirectories(Path.Combine(TestData.Directory, "hostile")).Where(d => Directory.GetFiles(d, "*.manifest").Length > 0).ToList();
        Assert.True(sets.Count > 30);
        foreach (var set in sets)
        {
            var whole = await Outcomes(set, ExportSplit.None, allowPartial: false);
            var partial = await Outcomes(set, ExportSplit.None, allowPartial: true);
            var days = await Outcomes(set, ExportSplit.Day, allowPartial: true);
            var name = Path.GetFileName(set);
            if (name.StartsWith("tsm-", StringComparison.Ordinal) || name.StartsWith("gzip-", StringComparison.Ordinal))
            {
                Assert.True(whole is not "Complete", $"{name}: {whole}");
                Assert.True(partial is "Partial", $"{name}: {partial}");
                Assert.True(days is "Partial", $"{name} by days: {days}");
            }
        }
    }

    private static async Task<string> Outcomes(string set, ExportSplit split, bool allowPartial)
    {
        using var source = new BackupExportSource(set, timestamp: null, combine: false);
        using var output = new TemporaryDirectory();
        return await RunAsync(new ExportOptions { Source = source, Output = output["out"], Split = split, AllowPartial = allowPartial }) is var (result, error) && result is not null
            ? result.Outcome.ToString()
            : error!.Id;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task No_flipped_bit_or_cut_in_the_files_of_a_server_makes_it_fail_in_other_words_or_is_overlooked(int seed)
    {
        using var golden = new GoldenServer("1.6.7-inmem");
        using var output = new TemporaryDirectory();
        var baseline = (await Exports.ReadAsync(Options(golden, output, false))).Result.FindingCount;
        var random = new Random(seed);
        string[] files = [.. new[] { "*.tsm", "*.tombstone", "*.wal" }.SelectMany(p => Directory.GetFiles(golden.Root, p, SearchOption.AllDirectories)).Where(f => new FileInfo(f).Length > 0)];
        var noticed = 0;
        for (var round = 0; round < 150; round++)
        {
            var path = files[random.Next(files.Length)];
            var sound = File.ReadAllBytes(path);
            var (damaged, isInBlock) = Damage(random, path, sound);
            File.WriteAllBytes(path, damaged);
            var allowPartial = random.Next(2) == 0;
            var (result, error) = await RunAsync(Options(golden, output[$"{round}"], allowPartial) with { Split = random.Next(3) == 0 ? ExportSplit.Day : ExportSplit.None });
            var isNoticed = error is not null || result!.FindingCount > baseline || result.Warnings.Count > 0;
            Assert.True(isNoticed || !isInBlock, $"round {round}: damage in a block of {path} was overlooked");
            Assert.False(allowPartial && isInBlock && error is not null, $"round {round}: {error?.Message}");
            noticed += isNoticed ? 1 : 0;
            File.WriteAllBytes(path, sound);
        }

        Assert.True(noticed > 50, $"{noticed} noticed");
    }

    [Fact]
    public async Task No_flipped_bit_or_cut_in_a_backup_makes_it_fail_in_other_words_or_is_overlooked()
    {
        using var copy = new TemporaryDirectory();
        foreach (var file in Directory.GetFiles(TestData.Golden("1.6.7-inmem")))
        {
            File.Copy(file, copy[Path.GetFileName(file)]);
        }

        var random = new Random(3);
        var archives = Directory.GetFiles(copy, "*.tar.gz");
        for (var round = 0; round < 60; round++)
        {
            var path = archives[random.Next(archives.Length)];
            var sound = File.ReadAllBytes(path);
            // The head of a gzip file has bytes that mean nothing, and a name that nobody reads.
            var head = 10 + sound.AsSpan(10).IndexOf((byte)0) + 1;
            var damaged = random.Next(4) == 0 ? sound[..random.Next(sound.Length)] : Flipped(sound, random.Next(head, sound.Length), random);
            File.WriteAllBytes(path, damaged);
            using var source = new BackupExportSource(copy, timestamp: null, combine: false);
            var (result, error) = await RunAsync(new ExportOptions { Source = source, Output = copy["out"], Force = true, AllowPartial = random.Next(2) == 0 });
            var where = $"{damaged.Length} of {sound.Length} bytes, byte {damaged.Zip(sound).TakeWhile(b => b.First == b.Second).Count()} differs";
            Assert.True(error is not null || result!.FindingCount > 2, $"round {round}: damage of {path} was overlooked ({where})");
            File.WriteAllBytes(path, sound);
        }
    }

    private static ExportOptions Options(GoldenServer server, string output, bool allowPartial) =>
        new() { Source = new DirectoryExportSource(server.Open(withMetadata: true)), Output = output, AllowPartial = allowPartial };

    /// <summary>Runs; an exception that is not ours, or no end, fails the test.</summary>
    private static async Task<(ExportResult? Result, InfluxBackupException? Error)> RunAsync(ExportOptions options)
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            return (await Exports.RunAsync(options, null, limit.Token).WaitAsync(2 * Patience, TestContext.Current.CancellationToken), null);
        }
        catch (InfluxBackupException e)
        {
            return (null, e);
        }
    }

    private static (byte[] Bytes, bool IsInBlock) Damage(Random random, string path, byte[] sound)
    {
        if (random.Next(4) == 0)
        {
            return (sound[..random.Next(sound.Length)], false);
        }

        var at = random.Next(sound.Length);
        var isInBlock = path.EndsWith(".tsm", StringComparison.Ordinal) && at >= 5 && at < BinaryPrimitives.ReadInt64BigEndian(sound.AsSpan(sound.Length - 8));
        return (Flipped(sound, at, random), isInBlock);
    }

    private static byte[] Flipped(byte[] sound, int at, Random random)
    {
        var damaged = (byte[])sound.Clone();
        damaged[at] ^= (byte)(1 << random.Next(8));
        return damaged;
    }

    private static void Flip(string path, int at)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[at] ^= 4;
        File.WriteAllBytes(path, bytes);
    }
}
