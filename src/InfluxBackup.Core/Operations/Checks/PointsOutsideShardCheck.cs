using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations.Checks;

/// <summary>All points lie in the time range of their shard. A server looks for a time in its shard, and for other points in vain.</summary>
internal sealed class PointsOutsideShardCheck(ShardDescription shard) : KeyCheck
{
    // The group of the smallest times begins, wrapped around, behind its end.
    private readonly long start = shard.Start > shard.End ? long.MinValue : shard.Start;

    public override void OnKey(string file, ReadOnlySpan<byte> key, TsmBlockType type, in TsmKeySummary summary, Findings findings)
    {
        if (summary.MinTime >= start && summary.MaxTime < shard.End)
        {
            return;
        }

        var message = $"'{file}': {TsmKey.Describe(key)} has points from {TsmTime.Describe(summary.MinTime)} to {TsmTime.Describe(summary.MaxTime)}, " +
            $"the shard holds times from {TsmTime.Describe(start)} to before {TsmTime.Describe(shard.End)}: no query finds those outside.";
        findings.Add(At(findings.Warning(Id, message), file, key, summary));
    }
}
