using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Writes the points of a stopped server, a backup or a running server as line protocol, as queries would answer: of two points of
/// one series at one time the newest, and none that was deleted.
/// </summary>
public sealed class ExportOperation(ExportOptions options)
{
    /// <summary>A damaged shard can have thousands; they are counted all.</summary>
    private const int MostFindings = 100;

    private const int MostTold = 100_000;

    /// <summary>Text waits for its turn for each thread, some megabytes; and more threads than this only wait for the disk.</summary>
    private const int MostThreads = 8;

    private readonly ILogger logger = options.Logger;
    private readonly SeriesFilter filter = new(options.Measurements, options.Tags);
    private readonly List<ExportFinding> findings = [];
    private readonly List<string> warnings = [];
    private readonly HashSet<(string Check, string File, long? Offset, ulong ShardId, string? Series)> told = [];
    private long findingCount;

    /// <summary>Looks what there is and decides which shard goes into which file. Writes nothing.</summary>
    /// <exception cref="InfluxBackupException">The options contradict each other, or the source lacks what was asked for.</exception>
    public async Task<ExportPlan> PlanAsync(CancellationToken cancel)
    {
        CheckOptions();
        var catalog = await options.Source.ReadCatalogAsync(options.Selection, cancel).ConfigureAwait(false);
        var shards = catalog.Shards.Where(s => s.MayHave(options.Times))
            .OrderBy(s => s.Key.Database, StringComparer.Ordinal)
            .ThenBy(s => s.Key.RetentionPolicy, StringComparer.Ordinal)
            .ThenBy(s => s.FirstTime)
            .ThenBy(s => s.Key.Id)
            .ToList();
        var units = options.Split == ExportSplit.Day
            ? await ExportDays.PlanAsync(shards, options, cancel).ConfigureAwait(false)
            : shards.Select(s => new ExportUnit(s, FileOf(s.Key), options.Times)).ToList();
        return new ExportPlan
        {
            Source = options.Source.Subject,
            Shards = shards.Select(s => s.Key).ToList(),
            Bytes = shards.All(s => s.Bytes is not null) ? shards.Sum(s => s.Bytes) : null,
            Warnings = catalog.Warnings,
            Metadata = catalog.Metadata,
            Units = units,
        };
    }

    /// <summary>Does what the plan says.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="completed">Told of each file when it is complete.</param>
    /// <exception cref="InfluxBackupException">
    /// Something is damaged and <see cref="OperationOptions.AllowPartial"/> was not given, or the output can't be written.
    /// Files that are complete stay; the rest can be resumed.
    /// </exception>
    public async Task<ExportResult> RunAsync(ExportPlan plan, Action<ExportedFile>? completed, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        warnings.AddRange(plan.Warnings);
        using var output = ExportOutput.Open(options, plan, completed ?? (_ => { }), cancel);
        findings.AddRange(output.Progress.Findings);
        told.UnionWith(findings.Select(f => (f.Check, f.File, f.Offset, f.ShardId, f.Series)));
        findingCount = output.Progress.FindingCount;
        var report = new ExportProgressReport(options, plan, output.UnitsDone, clock);
        logger.LogInformation("Exporting {Plan}.", plan);

        var shards = new ShardOpener(options, plan, options.AllowPartial ? Add : null);
        await using var closing = shards.ConfigureAwait(false);
        for (var i = output.UnitsDone; i < plan.Units.Count; i++)
        {
            var unit = plan.Units[i];
            report.Begin(unit);
            output.BeginUnit(unit);
            await ExportUnitAsync(i, unit, shards, output, report, cancel).ConfigureAwait(false);
            EndUnit(output);
            report.End(unit);
        }

        var files = output.Complete();
        return new ExportResult
        {
            Outcome = findingCount == 0 ? Outcome.Complete : Outcome.Partial,
            Source = plan.Source,
            Files = files,
            ShardCount = plan.Shards.Count,
            Findings = findings,
            FindingCount = findingCount,
            Warnings = warnings,
            Duration = clock.Elapsed,
        };
    }

    /// <summary>The next shard is being opened meanwhile, and may be found damaged while the journal is written.</summary>
    private void EndUnit(ExportOutput output)
    {
        ExportFinding[] soFar;
        long count;
        lock (findings)
        {
            (soFar, count) = ([.. findings], findingCount);
        }

        output.EndUnit(soFar, count);
    }

    private async Task ExportUnitAsync(int number, ExportUnit unit, ShardOpener shards, ExportOutput output, ExportProgressReport report, CancellationToken cancel)
    {
        var key = unit.Shard.Key;
        LocalShard shard;
        try
        {
            shard = await shards.OpenAsync(number, cancel).ConfigureAwait(false);
        }
        catch (InfluxBackupException e) when (options.AllowPartial && ExportErrors.CanBeLeftOut(e))
        {
            Add(new ExportFinding("ShardNotReadable", e.Subject ?? key.ToString(), null, key.Database, key.RetentionPolicy, key.Id, null, null, null, e.Message));
            return;
        }

        warnings.AddRange(shard.TakeWarnings());
        var merge = new MergeOptions
        {
            Times = unit.Times,
            Includes = filter.IsEverything ? null : filter.Includes,
            OnDamage = options.AllowPartial ? damage => Add(Describe(key, damage)) : null,
        };
        var format = new LineFormat(options.OneFieldPerLine, options.Compression, options.Parallelism ?? Math.Min(Environment.ProcessorCount, MostThreads));
        try
        {
            await ShardLines.WriteAsync(shard.Sources, merge, format, (series, times) => Add(Unwritable(key, series, times)), chunk =>
            {
                output.Write(chunk);
                report.Advance(unit, chunk);
                return default;
            }, cancel).ConfigureAwait(false);
        }
        catch (TsmFormatException e)
        {
            throw ExportErrors.Damaged(key, e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            // Errors of writing have become ours already: this one is of reading.
            throw LocalFile.ReadFailed(key.ToString(), e);
        }
    }

    private void CheckOptions()
    {
        if (options.Times.Min > options.Times.Max)
        {
            throw new InfluxBackupException("TimeRangeInvalid", ErrorKind.InvalidArgument, "The end of the time range is before its start.");
        }

        if (options.OutputStream is not null && (options.HasSeveralFiles || options.Resume))
        {
            throw new InfluxBackupException(
                "OutputNotSuitable", ErrorKind.InvalidArgument, "What goes to standard output is one stream: it can't be split into files or resumed.");
        }

        if (options.MaxFileSize is <= 0)
        {
            throw new InfluxBackupException("MaxFileSizeInvalid", ErrorKind.InvalidArgument, "The largest size of a file must be more than 0 bytes.");
        }
    }

    private ExportFileKey FileOf(ShardKey shard) => options.Split switch
    {
        ExportSplit.Shard => new ExportFileKey(shard.Database, shard.RetentionPolicy, shard.Id, null),
        ExportSplit.RetentionPolicy => new ExportFileKey(shard.Database, shard.RetentionPolicy, null, null),
        _ => new ExportFileKey(null, null, null, null),
    };

    /// <summary>Called by several threads.</summary>
    private void Add(ExportFinding finding)
    {
        lock (findings)
        {
            // A block may have points of two days, or of two slices of a long series.
            if (told.Count < MostTold && !told.Add((finding.Check, finding.File, finding.Offset, finding.ShardId, finding.Series)))
            {
                return;
            }

            findingCount++;
            if (findings.Count < MostFindings)
            {
                findings.Add(finding);
            }
        }

        // It is in the result; as a warning it would be told twice.
        logger.LogError("{Message}", finding.Message);
    }

    private static ExportFinding Describe(ShardKey shard, DamagedBlock damage) => new(
        "BlockDamaged", damage.FileName, damage.Offset, shard.Database, shard.RetentionPolicy, shard.Id, damage.Key,
        ShardTime.ToDateTime(damage.Times.Min), ShardTime.ToDateTime(damage.Times.Max),
        $"'{damage.FileName}', byte {damage.Offset}, {damage.Key}: {damage.Message}");

    private static ExportFinding Unwritable(ShardKey shard, string series, TimeRange times) => new(
        "SeriesNotWritable", shard.ToString(), null, shard.Database, shard.RetentionPolicy, shard.Id, series, null, null,
        series.StartsWith('#')
            ? $"Series {series} of {shard} can't be imported: its name begins with #, which makes its lines comments. They are in the file."
            : $"Series {series} of {shard} is left out: its name or that of a field holds a line feed, or its name begins with a tab, for which line protocol has no form.");
}
