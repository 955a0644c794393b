using System.Diagnostics;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>
/// Tells how an export gets on, in the form of every transfer of shards. What is counted is text written; how much there will be is not known,
/// so shards done are the measure.
/// </summary>
internal sealed class ExportProgressReport(ExportOptions options, ExportPlan plan, int unitsDone, Stopwatch clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private TimeSpan last;
    private TimeSpan started;
    private long unitBytes;
    private long totalBytes;
    private int done = unitsDone;

    public void Begin(ExportUnit unit)
    {
        unitBytes = 0;
        started = clock.Elapsed;
        Report(unit, ShardPhase.Started);
    }

    public void Advance(ExportUnit unit, TextChunk chunk)
    {
        unitBytes += chunk.TextLength;
        totalBytes += chunk.TextLength;
        if (clock.Elapsed - last >= Interval)
        {
            last = clock.Elapsed;
            Report(unit, ShardPhase.Transferring);
        }
    }

    public void End(ExportUnit unit)
    {
        done++;
        Report(unit, ShardPhase.Finished, new ShardResult { Shard = unit.Shard.Key, Outcome = ShardOutcome.Complete, Duration = clock.Elapsed - started });
    }

    private void Report(ExportUnit unit, ShardPhase phase, ShardResult? result = null) =>
        options.Progress?.Report(new TransferProgress(unit.Shard.Key, phase, unitBytes, null, totalBytes, null, done, plan.Units.Count, clock.Elapsed, result));
}
