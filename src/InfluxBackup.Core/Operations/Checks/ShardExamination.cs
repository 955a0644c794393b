using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations.Checks;

/// <summary>Opens the TSM files and tombstones of one shard and asks all checks about them.</summary>
internal sealed class ShardExamination(ShardDescription shard, string archivePath) : IShardFileReader, ITsmKeyObserver
{
    /// <summary>Before the ids of <see cref="Tsm.Checks.TsmChecks"/>, to tell a header of a TSM file from other headers.</summary>
    private const string TsmPrefix = "Tsm";

    /// <summary>What can't be told one by one.</summary>
    private const string FileDamaged = "TsmFileDamaged";

    private readonly KeyCheck[] checks = BackupChecks.OfKeys(shard);
    private readonly Findings findings = new(archivePath, shard);
    private TombstoneExamination? tombstones;
    private bool hasTombstone;
    private string file = "";

    public Findings Findings => findings;

    public long TsmFiles { get; private set; }

    public long Points { get; private set; }

    /// <summary>Bytes of the TSM files.</summary>
    public long Bytes { get; private set; }

    /// <inheritdoc/>
    public void ReadTsm(string name, TsmFile file, CancellationToken cancel)
    {
        this.file = name;
        hasTombstone = tombstones?.BelongsTo(name) == true;
        var report = TsmFileVerifier.Verify(file, new TsmVerifyOptions { Observer = this }, cancel);
        foreach (var problem in report.Problems)
        {
            findings.Add(Finding(name, problem));
        }

        if (report.HasMoreProblems)
        {
            findings.AddMore(FindingSeverity.Error, FileDamaged, name, report.MoreProblems);
        }

        if (hasTombstone && report.IsSound)
        {
            tombstones!.End(name);
        }

        TsmFiles++;
        Bytes += file.Length;
        Points += report.Points ?? 0;
    }

    /// <inheritdoc/>
    public void ReadTombstone(string name, Stream content, long length, CancellationToken cancel)
    {
        tombstones ??= new TombstoneExamination(findings);
        tombstones.Read(name, content, cancel);
    }

    /// <inheritdoc/>
    public void OnKey(ReadOnlySpan<byte> key, TsmBlockType type, TsmKeySummary summary)
    {
        foreach (var check in checks)
        {
            check.OnKey(file, key, type, summary, findings);
        }

        if (hasTombstone)
        {
            tombstones!.OnKey(key);
        }
    }

    public void Dispose()
    {
    }

    private TestFinding Finding(string name, TsmProblem problem)
    {
        var finding = findings.Error(
            TsmPrefix + problem.Check, $"{shard.Key}, '{name}', byte {problem.Offset}{(problem.Key is null ? "" : $", {problem.Key}")}: {problem.Message}");
        return finding with
        {
            Entry = name,
            Offset = problem.Offset,
            Series = problem.Series,
            Field = problem.Field,
            StartTime = problem.MinTime is { } min ? ShardTime.ToDateTime(min) : finding.StartTime,
            EndTime = problem.MaxTime is { } max ? ShardTime.ToDateTime(max) : finding.EndTime,
        };
    }
}
