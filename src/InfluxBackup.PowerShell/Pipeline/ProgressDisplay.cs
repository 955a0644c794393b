using System.Diagnostics;
using System.Management.Automation;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>
/// What the transfer says of itself, as progress records: one for the whole and below it one for each running shard. Reports only
/// change the state; the pipeline's thread draws it a few times a second, so thousands of small shards make no flood of records.
/// </summary>
internal sealed class ProgressDisplay : IProgress<TransferProgress>
{
    private const int ParentId = 8088;

    private readonly object gate = new();
    private readonly List<Row> rows = [];
    private readonly Stopwatch sinceRendered = Stopwatch.StartNew();
    private TransferProgress? latest;
    private bool isDirty;
    private bool isShown;

    /// <summary>What the parent record says is being done.</summary>
    public string Activity { get; set; } = "InfluxBackup";

    /// <inheritdoc/>
    public void Report(TransferProgress value)
    {
        lock (gate)
        {
            // Reports of several shards may overtake each other; the totals must not run backwards.
            if (latest is null || value.ShardsDone > latest.ShardsDone || (value.ShardsDone == latest.ShardsDone && value.Elapsed >= latest.Elapsed))
            {
                latest = value;
            }

            var row = rows.Find(r => r.Shard == value.Shard) ?? (value.Phase == ShardPhase.Finished ? null : FreeRow());
            if (row is not null)
            {
                row.Shard = value.Phase == ShardPhase.Finished ? null : value.Shard;
                row.Report = value;
            }

            isDirty = true;
        }
    }

    /// <summary>Draws what has changed, unless that was done a moment ago.</summary>
    public void Render(Cmdlet cmdlet, TimeSpan interval)
    {
        List<ProgressRecord> records;
        lock (gate)
        {
            if (!isDirty || sinceRendered.Elapsed < interval)
            {
                return;
            }

            isDirty = false;
            sinceRendered.Restart();
            records = [Parent(latest!), .. Children()];
            isShown = true;
        }

        records.ForEach(cmdlet.WriteProgress);
    }

    /// <summary>Takes everything off the screen.</summary>
    public void Complete(Cmdlet cmdlet)
    {
        List<ProgressRecord> records;
        lock (gate)
        {
            rows.ForEach(r => r.Shard = null);
            records = [.. Children()];
            if (isShown)
            {
                records.Add(new ProgressRecord(ParentId, Activity, "Done") { RecordType = ProgressRecordType.Completed });
            }

            rows.Clear();
            latest = null;
            isShown = isDirty = false;
        }

        records.ForEach(cmdlet.WriteProgress);
    }

    private Row FreeRow()
    {
        var row = rows.Find(r => r.Shard is null);
        if (row is null)
        {
            row = new Row(ParentId + 1 + rows.Count);
            rows.Add(row);
        }

        return row;
    }

    private ProgressRecord Parent(TransferProgress now)
    {
        var seconds = now.Elapsed.TotalSeconds;
        var rate = seconds > 0 ? now.TotalBytes / seconds : 0;
        var status = $"{now.ShardsDone} of {now.ShardsTotal} shards, {Amount(now.TotalBytes, now.TotalExpectedBytes)}";
        if (rate > 0)
        {
            status += $", {ByteSize.Format((long)rate)}/s";
        }

        var (done, total) = now.TotalExpectedBytes is { } expected and > 0
            ? (now.TotalBytes, expected)
            : (now.ShardsDone, (long)now.ShardsTotal);
        var record = new ProgressRecord(ParentId, Activity, status) { PercentComplete = Percent(done, total) };
        if (done > 0 && total >= done && seconds >= 1)
        {
            record.SecondsRemaining = (int)Math.Min(int.MaxValue, seconds / done * (total - done));
        }

        return record;
    }

    private IEnumerable<ProgressRecord> Children()
    {
        foreach (var row in rows)
        {
            if (row.Shard is not null)
            {
                row.IsShown = true;
                var report = row.Report!;
                var status = report.Phase == ShardPhase.Retrying ? "waiting to try again" : Amount(report.ShardBytes, report.ShardExpectedBytes);
                yield return new ProgressRecord(row.Id, Title(report), status)
                {
                    ParentActivityId = ParentId,
                    PercentComplete = report.ShardExpectedBytes is { } expected and > 0 ? Percent(report.ShardBytes, expected) : -1,
                };
            }
            else if (row.IsShown)
            {
                row.IsShown = false;
                yield return new ProgressRecord(row.Id, Title(row.Report!), "Done") { ParentActivityId = ParentId, RecordType = ProgressRecordType.Completed };
            }
        }
    }

    private static string Title(TransferProgress report) => $"Shard {report.Shard.Id} ({report.Shard.Database}.{report.Shard.RetentionPolicy})";

    private static string Amount(long bytes, long? expected) => expected is null
        ? ByteSize.Format(bytes)
        : $"{ByteSize.Format(bytes)} of about {ByteSize.Format(expected.Value)}";

    /// <summary>An estimate can be too low; the display never passes the end.</summary>
    private static int Percent(long done, long total) => total <= 0 ? 0 : (int)Math.Clamp(100.0 * done / total, 0, 100);

    /// <summary>A line on the screen; used by one shard after the other.</summary>
    private sealed class Row(int id)
    {
        public int Id { get; } = id;

        public ShardKey? Shard { get; set; }

        public TransferProgress? Report { get; set; }

        public bool IsShown { get; set; }
    }
}
