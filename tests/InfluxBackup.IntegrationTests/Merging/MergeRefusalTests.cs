using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>What a merge does not do, and says before it has touched anything.</summary>
public sealed class MergeRefusalTests
{
    private const long Hour = 3_600_000_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem)]
    [InlineData(SeriesIndex.Tsi1)]
    public async Task A_field_of_another_type_stops_the_merge_before_anything_is_touched(SeriesIndex index)
    {
        await using var scene = await MergeScene.StartAsync(index, Cancel);
        await scene.BackUpAsync($"m,s=a f=1i,g=1 {MergeScene.Time(0)}\nother x=1 {MergeScene.Time(100)}\n", Cancel);
        await scene.WriteAsync($"m,s=b f=\"text\" {MergeScene.Time(1)}\n", Cancel);
        var (existing, files) = (await scene.ReadAsync(Cancel), scene.Target.ShardFiles(".tsm"));

        var plan = await scene.PlanAsync(MergePreference.Existing, Cancel);
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => scene.MergeAsync(MergePreference.Existing, Cancel));

        Assert.Equal("FieldTypeConflict", error.Id);
        foreach (var word in (string[])["'f'", "'m'", "integer", "string", "nothing was changed"])
        {
            Assert.Contains(word, error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(error.Message, Assert.Single(plan.Conflicts).Message);
        Assert.Equal(files, scene.Target.ShardFiles(".tsm"));
        Assert.Empty(existing.DifferencesFrom(await scene.ReadAsync(Cancel)));
    }

    [RealServerFact]
    public async Task A_field_with_different_types_in_different_shards_is_merged_where_they_fit_and_refused_where_not()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.InMem, Cancel);
        // Weeks 0 and 1 have other types, on both sides the same ones.
        await scene.BackUpAsync($"m f=1i {MergeScene.Time(0)}\nm f=1.5 {MergeScene.Time(14)}\n", Cancel);
        await scene.WriteAsync($"m f=2i {MergeScene.Time(1)}\nm f=2.5 {MergeScene.Time(15)}\nm f=3.5 {MergeScene.Time(29)}\n", Cancel);
        var existing = await scene.ReadAsync(Cancel);
        Assert.Equal(Outcome.Complete, (await scene.MergeAsync(MergePreference.Existing, Cancel)).Outcome);
        await scene.AssertHoldsAsync(scene.Expect(MergePreference.Existing, existing), Cancel);

        // Week 2 has floats on the server and whole numbers in the backup, though the policy knows both.
        await scene.BackUpAsync($"m f=9i {MergeScene.Time(28)}\n", Cancel);
        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => scene.MergeAsync(MergePreference.Backup, Cancel));
        Assert.Equal("FieldTypeConflict", error.Id);
        Assert.Contains("float in shard", error.Message, StringComparison.Ordinal);
    }

    [RealServerFact]
    public async Task Shards_of_the_backup_whose_types_differ_are_not_merged_into_one_shard()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel, "1d", "7d");
        await scene.BackUpAsync($"m f=1i {MergeScene.Time(0)}\nm f=1.5 {MergeScene.Time(4)}\n", Cancel);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => scene.MergeAsync(MergePreference.Existing, Cancel));

        Assert.Equal("FieldTypeConflict", error.Id);
        Assert.Contains("both belong into one shard", error.Message, StringComparison.Ordinal);
        Assert.Empty(scene.Target.ShardFiles(".tsm"));
    }

    [RealServerFact]
    public async Task A_database_that_is_not_there_is_nothing_to_merge_into()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.InMem, Cancel);
        await scene.BackUpAsync($"m f=1 {MergeScene.Time(0)}\n", Cancel);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => MergeScene.MergeAsync(scene.Options with { Selection = Engine.Only(MergeScene.Database), NewDatabase = "elsewhere" }, MergePreference.Existing, Cancel));

        Assert.Equal("DatabaseNotFound", error.Id);
        Assert.Contains("'elsewhere'", error.Message, StringComparison.Ordinal);
    }

    [RealServerFact]
    public async Task Without_the_http_api_there_is_no_merge()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.InMem, Cancel);
        await scene.BackUpAsync($"m f=1 {MergeScene.Time(0)}\n", Cancel);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => MergeScene.MergeAsync(scene.Options with { Server = Engine.Access(scene.Target) }, MergePreference.Existing, Cancel));

        Assert.Equal(("HttpRequired", ErrorKind.InvalidArgument), (error.Id, error.Kind));
        Assert.Contains("-HttpUri", error.Remedy, StringComparison.Ordinal);
    }

    [RealServerFact]
    public async Task Points_that_the_policy_does_not_keep_any_more_are_named_with_what_to_do()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel, "1h", "1h");
        var now = ShardTime.FromDateTime(DateTimeOffset.UtcNow);
        await scene.BackUpAsync($"m f=1 {now - (100 * Hour)}\nm f=2 {now - (2 * Hour)}\n", Cancel);
        await scene.Target.Http.ExecuteAsync($"ALTER RETENTION POLICY rp ON {MergeScene.Database} DURATION 24h", cancel: Cancel);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => scene.MergeAsync(MergePreference.Existing, Cancel));
        var young = scene.Options with { Selection = new ShardSelection { Start = DateTimeOffset.UtcNow.AddHours(-20) } };
        var result = await MergeScene.MergeAsync(young, MergePreference.Existing, Cancel);

        Assert.Equal("PointsBeyondRetention", error.Id);
        Assert.Contains("ALTER RETENTION POLICY \"rp\" ON \"db\" DURATION INF", error.Remedy, StringComparison.Ordinal);
        Assert.Equal((Outcome.Complete, 1), (result.Outcome, result.ShardCount));
        Assert.Equal((now - (2 * Hour)).ToString(CultureInfo.InvariantCulture), Assert.Single((await scene.ReadAsync(Cancel)).Places).Time);
    }

    [RealServerFact]
    public async Task What_can_be_merged_is_merged_where_the_user_allows_a_part()
    {
        await using var scene = await MergeScene.StartAsync(SeriesIndex.Tsi1, Cancel);
        await scene.BackUpAsync($"m f=1i {MergeScene.Time(0)}\nn f=1 {MergeScene.Time(100)}\n", Cancel);
        await scene.WriteAsync($"m f=2.5 {MergeScene.Time(1)}\n", Cancel);
        var existing = await scene.ReadAsync(Cancel);

        var result = await MergeScene.MergeAsync(scene.Options with { AllowPartial = true }, MergePreference.Backup, Cancel);

        Assert.Equal((Outcome.Partial, 1, 1), (result.Outcome, result.ShardCount, result.FailedShardCount));
        await scene.AssertHoldsAsync(PointModel.Overlay(existing, scene.Backup.Where(p => p.Measurement == "n")), Cancel);
    }
}
