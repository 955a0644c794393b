using System.Globalization;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>A backup merged into a database that a real server has and uses.</summary>
public sealed class MergeTests
{
    private const long Day = 86_400_000_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(SeriesIndex.InMem, MergePreference.Existing)]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Existing)]
    [InlineData(SeriesIndex.InMem, MergePreference.Backup)]
    [InlineData(SeriesIndex.Tsi1, MergePreference.Backup)]
    public async Task Of_equal_points_the_preferred_side_wins_and_all_others_are_there(SeriesIndex index, MergePreference prefer)
    {
        await using var scene = await MergeScene.StartAsync(index, Cancel);
        await scene.BackUpAsync(Points(value: 1, from: 0, to: 20, ["a", "b"], ["f", "g"]) + Points(value: 1, from: 0, to: 3, ["old"], ["x"]), Cancel);
        await scene.WriteAsync(Points(value: 2, from: 10, to: 30, ["b", "c"], ["g", "h"]), Cancel);
        var existing = await scene.ReadAsync(Cancel);

        var result = await scene.MergeAsync(prefer, Cancel);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Empty(result.HiddenFields);
        await scene.AssertHoldsAsync(scene.Expect(prefer, existing), Cancel);
    }

    private static string Points(int value, int from, int to, string[] series, string[] fields) =>
        string.Concat(Enumerable.Range(from, to - from).SelectMany(day => series.Select(s =>
            string.Create(CultureInfo.InvariantCulture, $"m,s={s} {string.Join(',', fields.Select(f => $"{f}={value}{day}i"))} {MergeScene.Start + (day * Day / 2)}\n"))));
}
