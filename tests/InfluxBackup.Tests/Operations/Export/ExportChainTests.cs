using InfluxBackup.BackupSets;
using InfluxBackup.Operations;
using InfluxBackup.Tests.BackupSets;
using InfluxBackup.Tests.Operations.Checks;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Operations.Export;

/// <summary>An export of an incremental backup is one of the state that it stands for, or says what is missing of it.</summary>
public sealed class ExportChainTests : IDisposable
{
    private readonly TestedSet set = new();

    public void Dispose() => set.Dispose();

    [Fact]
    public async Task What_an_incremental_backup_left_to_an_earlier_one_is_exported_from_there()
    {
        await MakeChainAsync();

        Assert.Equal(4, (await Exports.LinesAsync(Options())).Count);
    }

    [Fact]
    public async Task Where_the_earlier_one_is_gone_the_shard_is_named()
    {
        var earlier = await MakeChainAsync();
        foreach (var file in Directory.GetFiles(set.Path, earlier + ".*"))
        {
            File.Delete(file);
        }

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Exports.ReadAsync(Options()));
        Assert.Equal("EarlierBackupMissing", error.Id);
        Assert.Contains("shard 8 (db.rp)", error.Message, StringComparison.Ordinal);
        Assert.Contains(earlier, error.Message, StringComparison.Ordinal);

        var (result, _) = await Exports.ReadAsync(Options() with { AllowPartial = true });
        Assert.Equal((Outcome.Partial, 2L), (result.Outcome, result.Lines));
    }

    private async Task<string> MakeChainAsync()
    {
        var earlier = await set.MakeAsync((7, TestedSet.Sound(7)), (8, TestedSet.Sound(8)));
        var path = set[await set.MakeAsync((7, TestedSet.Sound(7)), (8, TestedSet.Sound(8))) + ManifestFile.Suffix];
        var manifest = ManifestFile.Read(path);
        var unchanged = new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = 8, Outcome = ShardOutcome.Skipped, UnchangedSince = earlier };
        File.WriteAllBytes(path, ManifestFile.ToBytes(manifest with
        {
            Files = manifest.Files!.Take(1).ToList(),
            Run = new ManifestRun { Strategy = BackupStrategy.Incremental, MissingShards = [unchanged] },
        }));
        return earlier;
    }

    private ExportOptions Options() => new() { Source = new BackupExportSource(set.Path, null, combine: false) };
}
