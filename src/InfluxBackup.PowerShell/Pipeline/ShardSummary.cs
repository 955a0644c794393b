using System.Globalization;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>How a shard ended, in one line.</summary>
internal static class ShardSummary
{
    public static string Of(ShardResult result)
    {
        var detail = result.Outcome switch
        {
            ShardOutcome.Complete => string.Create(
                CultureInfo.InvariantCulture, $"{ByteSize.Format(result.Archive?.Length ?? 0)} in {result.Duration.TotalSeconds:0.0} s"),
            ShardOutcome.Skipped => result.Reason,
            _ => result.Error?.Message,
        };
        return $"{result.Shard}: {result.Outcome}, {detail}";
    }
}
