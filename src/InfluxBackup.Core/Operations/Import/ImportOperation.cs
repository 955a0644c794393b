using System.Buffers;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;
using InfluxBackup.LineProtocol;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>Writes line protocol to a server or cluster, one source after another.</summary>
public sealed class ImportOperation : IDisposable
{
    /// <summary>Ending of the files that take the lines that are refused.</summary>
    public const string RejectSuffix = ".rejected.lp";

    private const int RememberedRejections = 1000;

    private readonly ImportOptions options;
    private readonly InfluxWriteClient client;
    private readonly List<string> finished = [];
    private bool isWhole = true;

    public ImportOperation(ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        this.options = options;
        client = new InfluxWriteClient(options.Servers, options.Write, options.Lanes);
    }

    /// <summary>Whether a file is one that an import itself has made beside its source; wildcards pass over these.</summary>
    public static bool IsByproduct(string path) =>
        path.EndsWith(ImportCheckpoint.Suffix, StringComparison.Ordinal)
        || path.EndsWith(ImportCheckpoint.Suffix + LocalFile.PartialSuffix, StringComparison.Ordinal)
        || path.EndsWith(RejectSuffix, StringComparison.Ordinal);

    /// <summary>Reads all of a source and says what an import would do. No server is asked.</summary>
    /// <exception cref="InfluxBackupException">It can't be read, or does not say where its lines go.</exception>
    public Task<ImportPlan> PlanAsync(ImportSource source, CancellationToken cancel) => Task.Run(() => Plan(source, cancel), cancel);

    /// <summary>Imports a source. Trouble on the way is in the result, not an exception.</summary>
    /// <exception cref="InfluxBackupException">The source or the server can't be reached at all, or the options make no sense.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the checkpoint says how far it came.</exception>
    public async Task<ImportResult> RunAsync(ImportSource source, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            using var run = new ImportRun(options, source, client);
            var result = await run.RunAsync(cancel).ConfigureAwait(false);
            isWhole &= result.Error is null && result.Outcome != Outcome.Failed;
            if (source.Path is { } path && result.Error is null)
            {
                finished.Add(ImportCheckpoint.PathFor(path));
            }

            return result;
        }
        catch
        {
            isWhole = false;
            throw;
        }
    }

    /// <summary>
    /// All sources are done: removes their checkpoints. Where one of them failed they stay, so that a run that resumes passes over
    /// those that are done.
    /// </summary>
    public void End()
    {
        if (!isWhole)
        {
            return;
        }

        foreach (var path in finished)
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(path, e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    /// <summary>Passes over text that was dealt with before.</summary>
    internal static void Skip(Stream text, long count)
    {
        if (text.CanSeek)
        {
            text.Seek(count, SeekOrigin.Current);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(256 << 10);
        while (count > 0)
        {
            var read = text.Read(buffer, 0, (int)Math.Min(buffer.Length, count));
            if (read == 0)
            {
                break;
            }

            count -= read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private ImportPlan Plan(ImportSource source, CancellationToken cancel)
    {
        using var raw = source.Open();
        try
        {
            return Plan(source, raw, cancel);
        }
        catch (Exception e) when (e is InvalidDataException || LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(source.Name, e);
        }
    }

    private ImportPlan Plan(ImportSource source, Stream raw, CancellationToken cancel)
    {
        using var text = ImportText.Open(raw);
        using var lines = new LineReader(text, options.MaxLineBytes);
        var script = new ScriptReader(lines);
        var tally = new ImportTally();
        var targets = new ImportTargets(options, source.Name);
        var spans = new Dictionary<WriteTarget, PlannedSpan>();
        var statements = new List<ImportedStatement>();
        var rejections = new List<ImportRejection>();
        while (script.Read())
        {
            switch (script.Item)
            {
                case ScriptItem.Point:
                    if ((tally.Points++ & 0xFFFF) == 0)
                    {
                        cancel.ThrowIfCancellationRequested();
                    }

                    var target = targets.Of(script.Context, script.Number);
                    if (!spans.TryGetValue(target, out var span))
                    {
                        spans[target] = span = new PlannedSpan(options.Write.Precision);
                    }

                    span.Add(PointTime.Read(script.Line[script.KeyLength..]));
                    break;
                case ScriptItem.Bad:
                    tally.Bad++;
                    if (rejections.Count < RememberedRejections)
                    {
                        rejections.Add(new ImportRejection(script.Number, ImportTally.ReasonOf(script.Kind, options.MaxLineBytes), ImportRejects.Show(script.Line)));
                    }

                    break;
                default:
                    tally.Add(script);
                    if (script.Item == ScriptItem.Statement)
                    {
                        var wanted = options.SkipDdl ? null : targets.Redirect(script.Statement!);
                        statements.Add(new ImportedStatement(script.Number, (wanted ?? script.Statement!).SafeText, wanted is null ? StatementOutcome.Skipped : StatementOutcome.Done));
                    }

                    break;
            }
        }

        return new ImportPlan
        {
            Path = source.Name,
            Statements = statements,
            Targets = [.. spans.Select(s => s.Value.For(s.Key))],
            Rejections = rejections,
            LinesRead = tally.Total,
            Points = tally.Points,
            Rejected = tally.Bad,
            Comments = tally.Comments,
            BlankLines = tally.BlankLines,
            Bytes = script.NextOffset,
            Warnings = tally.Warnings,
        };
    }

    /// <summary>Lines of one target.</summary>
    private sealed class PlannedSpan(WritePrecision precision)
    {
        private long count;
        private long first = long.MaxValue;
        private long last = long.MinValue;

        public void Add(long? time)
        {
            count++;
            if (time is { } known)
            {
                first = Math.Min(first, known);
                last = Math.Max(last, known);
            }
        }

        public PlannedImportTarget For(WriteTarget target) =>
            new(target.Database, target.RetentionPolicy, count, first <= last ? Time(first) : null, first <= last ? Time(last) : null);

        private DateTime? Time(long time)
        {
            var ticks = precision switch
            {
                WritePrecision.Nanoseconds => time / 100m,
                WritePrecision.Microseconds => time * 10m,
                WritePrecision.Milliseconds => time * (decimal)TimeSpan.TicksPerMillisecond,
                WritePrecision.Seconds => time * (decimal)TimeSpan.TicksPerSecond,
                WritePrecision.Minutes => time * (decimal)TimeSpan.TicksPerMinute,
                _ => time * (decimal)TimeSpan.TicksPerHour,
            };
            var utc = decimal.Floor(ticks) + DateTime.UnixEpoch.Ticks;
            return utc >= 0 && utc <= DateTime.MaxValue.Ticks ? new DateTime((long)utc, DateTimeKind.Utc) : null;
        }
    }
}
