using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.Cli.Output;

/// <summary>Takes the engine's progress and hands it to the terminal's line and to the events of <c>--verbose</c>.</summary>
internal sealed class TransferReport(ConsoleOutput console, string activity) : IProgress<TransferProgress>, IDisposable
{
    public void Report(TransferProgress value)
    {
        if (value.Phase != ShardPhase.Transferring)
        {
            console.WriteEvent(Event(value), Line(value));
        }

        console.ShowProgress(activity, value);
    }

    public void Dispose() => console.EndProgress();

    private static object Event(TransferProgress value) => new
    {
        @event = "shard",
        phase = value.Phase,
        database = value.Shard.Database,
        retentionPolicy = value.Shard.RetentionPolicy,
        shardId = value.Shard.Id,
        outcome = value.Result?.Outcome,
        bytes = value.Phase == ShardPhase.Finished ? value.ShardBytes : (long?)null,
        shardsDone = value.ShardsDone,
        shardsTotal = value.ShardsTotal,
        elapsed = value.Elapsed,
    };

    private static string Line(TransferProgress value) => value.Phase switch
    {
        ShardPhase.Finished => value.Result!.Outcome switch
        {
            ShardOutcome.Complete => $"{value.Shard}: {ByteSize.Format(value.ShardBytes)} in {Text.Duration(value.Result.Duration)} ({value.ShardsDone} of {value.ShardsTotal})",
            ShardOutcome.Skipped => $"{value.Shard}: skipped, {value.Result.Reason} ({value.ShardsDone} of {value.ShardsTotal})",
            _ => $"{value.Shard}: failed ({value.ShardsDone} of {value.ShardsTotal})",
        },
        ShardPhase.Retrying => $"{value.Shard}: again from the start",
        _ => $"{value.Shard}: started",
    };
}
