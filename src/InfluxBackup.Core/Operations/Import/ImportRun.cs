using System.Diagnostics;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.LineProtocol;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>The import of one source: reads, cuts into lines, deals them out to the lanes.</summary>
internal sealed class ImportRun(ImportOptions options, ImportSource source, InfluxWriteClient client) : IDisposable
{
    private const int LinesBetweenLooks = 8192;
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly ImportAccount account = new();
    private readonly ImportTally tally = new();
    private readonly ImportWatermark watermark = new();
    private readonly ImportTargets targets = new(options, source.Name);
    private DateTime begin = DateTime.UtcNow;
    private ImportStatements? statements;
    private ImportRejects? rejects;
    private ImportJournal? journal;
    private ImportCheckpoint? earlier;
    private Stream? raw;
    private TimeSpan lastReport;
    private int full;

    private enum Step
    {
        LaneIsFull,
        Statement,
        Look,
        End,
    }

    /// <summary>Where the rejected lines go.</summary>
    public string RejectPath => options.RejectPath is { } given ? Path.GetFullPath(given)
        : source.Path is { } path ? path + ImportOperation.RejectSuffix
        : Path.GetFullPath("import" + ImportOperation.RejectSuffix);

    /// <summary>Imports.</summary>
    /// <returns>The result, also of an import that had to stop.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the checkpoint says how far it came.</exception>
    /// <exception cref="InfluxBackupException">It could not begin.</exception>
    public async Task<ImportResult> RunAsync(CancellationToken cancel)
    {
        raw = source.Open();
        OpenJournal(raw);
        if (earlier is { IsFinished: true })
        {
            return new ImportResult { Path = source.Name, Outcome = earlier.Rejected > 0 ? Outcome.Partial : Outcome.Complete, LinesBefore = earlier.LineNumber - 1, RejectedBefore = earlier.Rejected };
        }

        if (string.Equals(source.Path, RejectPath, StringComparison.Ordinal))
        {
            throw new InfluxBackupException("RejectPathIsSource", ErrorKind.InvalidArgument, $"'{source.Name}' can't be read and take rejected lines at once.") { Subject = source.Name, Remedy = "Give another -RejectPath." };
        }

        statements = new ImportStatements(options, targets);
        await statements.CheckConnectionAsync(cancel).ConfigureAwait(false);
        // A file that is named may have the lines of other sources, and lines of a pipeline come only once.
        rejects = new ImportRejects(RejectPath, source.Name, append: options.Resume || options.RejectPath is not null || source.Path is null) { IsSettled = journal is not null };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var lanes = new ImportLanes(options, client, account, rejects, watermark, new ImportClock(begin, options.Write.Precision), stop);
        journal?.Begin(watermark, rejects);
        var isFinished = false;
        Exception? failure = null;
        try
        {
            isFinished = await ReadAllAsync(lanes, stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InfluxBackupException or InvalidDataException or OperationCanceledException || LocalFile.IsFileError(e))
        {
            failure = e;
        }

        await lanes.EndAsync().ConfigureAwait(false);
        isFinished &= lanes.Failure is null && failure is null;
        if (journal is not null)
        {
            await journal.EndAsync(watermark.Position, rejects, isFinished).ConfigureAwait(false);
        }

        Report(isForced: true);
        var error = ErrorOf(lanes.Failure ?? failure, cancel);
        return Result(isFinished, error);
    }

    public void Dispose()
    {
        raw?.Dispose();
        rejects?.Dispose();
        statements?.Dispose();
    }

    /// <summary>True when the end of the source was reached and everything is with the server.</summary>
    private async Task<bool> ReadAllAsync(ImportLanes lanes, CancellationToken cancel)
    {
        var text = ImportText.Open(raw!);
        await using (text.ConfigureAwait(false))
        {
            using var lines = new LineReader(text, options.MaxLineBytes);
            var script = new ScriptReader(lines);
            if (earlier is not null)
            {
                ImportOperation.Skip(text, earlier.Offset);
                lines.StartAt(earlier.Offset, earlier.LineNumber);
                script.StartIn(earlier.Position.Context);
            }

            try
            {
                var isPending = false;
                while (true)
                {
                    cancel.ThrowIfCancellationRequested();
                    var step = ReadOn(script, lanes, isPending);
                    isPending = step == Step.LaneIsFull;
                    if (script.IsInPoints && step != Step.End)
                    {
                        watermark.MoveTo(isPending
                            ? new ImportPosition(script.Offset, script.Number, script.Context)
                            : new ImportPosition(script.NextOffset, script.NextNumber, script.Context));
                    }

                    switch (step)
                    {
                        case Step.LaneIsFull:
                            await lanes.SendAsync(full, script.Offset, cancel).ConfigureAwait(false);
                            break;
                        case Step.Statement:
                            await RunStatementAsync(script, lanes, cancel).ConfigureAwait(false);
                            break;
                        case Step.End:
                            await lanes.DrainAsync(cancel).ConfigureAwait(false);
                            watermark.MoveTo(new ImportPosition(script.Offset, script.Number, script.Context));
                            return true;
                    }

                    Report(isForced: false);
                }
            }
            catch (Exception e) when (e is InfluxBackupException or InvalidDataException || LocalFile.IsFileError(e))
            {
                // The source is at fault, not the server: what was read of it still goes there.
                await lanes.DrainAsync(cancel).ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>Deals lines out until something has to be waited for.</summary>
    /// <param name="isPending">The current line has not found a place yet.</param>
    private Step ReadOn(ScriptReader script, ImportLanes lanes, bool isPending)
    {
        for (var left = LinesBetweenLooks; left > 0; left--)
        {
            if (!isPending && !script.Read())
            {
                return Step.End;
            }

            isPending = false;
            switch (script.Item)
            {
                case ScriptItem.Point:
                    if (!lanes.TryAdd(script, targets.Of(script.Context, script.Number), out full))
                    {
                        return Step.LaneIsFull;
                    }

                    tally.Points++;
                    break;
                case ScriptItem.Bad:
                    tally.Bad++;
                    rejects!.Add(
                        targets.TryOf(script.Context), script.Number, ImportTally.ReasonOf(script.Kind, options.MaxLineBytes), script.Line, isWhole: script.Kind != LineKind.TooLong);
                    break;
                default:
                    tally.Add(script);
                    if (script.Item == ScriptItem.Statement)
                    {
                        return Step.Statement;
                    }

                    break;
            }
        }

        return Step.Look;
    }

    private async Task RunStatementAsync(ScriptReader script, ImportLanes lanes, CancellationToken cancel)
    {
        if (tally.Points > 0)
        {
            // In the middle of a file it stands there for a reason: after the points before it.
            await lanes.DrainAsync(cancel).ConfigureAwait(false);
        }

        await statements!.RunAsync(script.Statement!, script.Number, cancel).ConfigureAwait(false);
    }

    private void OpenJournal(Stream file)
    {
        if (source.Path is not { } path || !file.CanSeek)
        {
            if (options.Resume)
            {
                throw new InfluxBackupException("ResumeNeedsFile", ErrorKind.InvalidArgument, "Only the import of a file can be resumed: what comes through a pipe comes once.") { Remedy = "Name the file, or import without resuming." };
            }

            return;
        }

        var (length, hash) = ImportSource.Identify(file);
        var identity = new ImportCheckpoint
        {
            Length = length,
            ContentSha256 = hash,
            Begin = begin,
            Servers = [.. options.Servers.Select(s => s.Uri.GetLeftPart(UriPartial.Authority))],
            Precision = WriteSettings.NameOf(options.Write.Precision),
            DefaultDatabase = options.Database,
            DefaultRetentionPolicy = options.RetentionPolicy,
            NewDatabase = options.NewDatabase,
            NewRetentionPolicy = options.NewRetentionPolicy,
        };
        if (options.Resume && ImportCheckpoint.Read(ImportCheckpoint.PathFor(path)) is { } found)
        {
            found.Check(path, identity);
            earlier = found;
            begin = found.Begin;
            identity = identity with { Rejected = found.Rejected, Begin = begin };
            watermark.MoveTo(found.Position);
            options.Logger.LogInformation("The import of {Path} goes on at line {Line}.", path, found.LineNumber);
        }

        journal = new ImportJournal(ImportCheckpoint.PathFor(path), identity, options.Logger);
    }

    /// <exception cref="OperationCanceledException">The caller wanted it.</exception>
    private InfluxBackupException? ErrorOf(Exception? failure, CancellationToken cancel)
    {
        if (failure is InfluxBackupException known)
        {
            return known;
        }

        if (cancel.IsCancellationRequested)
        {
            options.Logger.LogWarning("{Message}", WhereItStands());
            cancel.ThrowIfCancellationRequested();
        }

        return failure switch
        {
            null => null,
            InvalidDataException => new InfluxBackupException("SourceDamaged", ErrorKind.InvalidData, $"'{source.Name}' is damaged or cut: its compressed data can't be read beyond line {tally.Total}.", failure)
            {
                Subject = source.Name,
                Remedy = "What could be read was imported. Get a whole copy and import it; what is there already is only written again.",
            },
            _ when LocalFile.IsFileError(failure) => LocalFile.ReadFailed(source.Name, failure),
            _ => throw failure,
        };
    }

    private string WhereItStands() => journal is { IsSaved: true } && watermark.Position is { } position
        ? $"The import of '{source.Name}' was stopped. All lines before line {position.Number} are dealt with; run it again with -Resume (--resume) to go on there."
        : $"The import of '{source.Name}' was stopped after {Count.Of(account.Written, "line")}; run it again from the beginning, writing lines twice changes nothing.";

    private ImportResult Result(bool isFinished, InfluxBackupException? error)
    {
        var rejected = rejects!.Count;
        var rejectedBefore = earlier?.Rejected ?? 0;
        var failedStatements = statements!.Done.Any(s => s.Outcome == StatementOutcome.Failed);
        var isFlawed = rejected + rejectedBefore > 0 || failedStatements;
        return new ImportResult
        {
            Path = source.Name,
            Outcome = !isFinished || (account.Written == 0 && rejected > 0 && earlier is null) ? Outcome.Failed : isFlawed ? Outcome.Partial : Outcome.Complete,
            LinesRead = tally.Total,
            PointsWritten = account.Written,
            Rejected = rejected,
            Unacknowledged = tally.Points + tally.Bad - account.Written - rejected,
            Comments = tally.Comments,
            BlankLines = tally.BlankLines,
            StatementLines = tally.Statements,
            LinesBefore = earlier is null ? 0 : earlier.LineNumber - 1,
            RejectedBefore = rejectedBefore,
            Statements = statements.Done,
            Rejections = [.. rejects.First.OrderBy(r => r.LineNumber)],
            RejectPath = rejects.Path,
            CheckpointPath = !isFinished && journal is { IsSaved: true } ? journal.Path : null,
            Batches = account.Batches,
            Retries = account.Retries,
            Bytes = account.Bytes,
            Duration = clock.Elapsed,
            Error = error,
            Warnings = tally.Warnings,
        };
    }

    private void Report(bool isForced)
    {
        if (options.Progress is { } progress && (isForced || clock.Elapsed - lastReport >= ProgressInterval))
        {
            lastReport = clock.Elapsed;
            var isKnown = source.Path is not null && raw is { CanSeek: true };
            progress.Report(new ImportProgress(
                source.Name, isKnown && raw!.CanRead ? raw.Position : account.Bytes, isKnown && raw!.CanRead ? raw.Length : null, account.Written, rejects!.Count, clock.Elapsed));
        }
    }
}
