using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations;

/// <summary>
/// The files of an export: begins them with the first line that goes into each, rolls them at their size, completes them, and
/// keeps the journal. Without a journal (a stream) nothing can be resumed.
/// </summary>
internal sealed class ExportOutput : IDisposable
{
    private readonly ExportOptions options;
    private readonly ExportPlan plan;
    private readonly ExportJournal? journal;
    private readonly Action<ExportedFile> completed;
    private readonly ILookup<ExportFileKey, (string Database, string RetentionPolicy)> policies;
    private readonly System.Diagnostics.Stopwatch sinceCheckpoint = System.Diagnostics.Stopwatch.StartNew();
    private readonly HashSet<string> replaceable = [];
    private ExportProgress progress;
    private ExportFileWriter? current;
    private ExportUnit? unit;
    private int unitsDone;

    private ExportOutput(ExportOptions options, ExportPlan plan, ExportJournal? journal, ExportProgress progress, Action<ExportedFile> completed)
    {
        this.options = options;
        this.plan = plan;
        this.journal = journal;
        this.progress = progress;
        this.completed = completed;
        policies = plan.Units.ToLookup(u => u.File, u => (u.Shard.Key.Database, u.Shard.Key.RetentionPolicy));
    }

    /// <summary>How many units of the plan an earlier run did.</summary>
    public int UnitsDone => unitsDone;

    public ExportProgress Progress => progress;

    /// <summary>Makes ready to write; nothing is created yet but directories.</summary>
    /// <exception cref="InfluxBackupException">The output is there already, can't be written, or can't be resumed.</exception>
    public static ExportOutput Open(ExportOptions options, ExportPlan plan, Action<ExportedFile> completed, CancellationToken cancel)
    {
        var fresh = new ExportProgress { Fingerprint = Fingerprint(options, plan) };
        if (options.OutputStream is not null)
        {
            return new ExportOutput(options, plan, null, fresh, completed);
        }

        var path = Path.GetFullPath(options.Output!);
        var journal = new ExportJournal(options.HasSeveralFiles ? Path.Combine(path, "export" + ExportJournal.Suffix) : path + ExportJournal.Suffix);
        try
        {
            LocalFile.CreateDirectory(options.HasSeveralFiles ? path : Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(path, e);
        }

        if (!options.HasSeveralFiles && Directory.Exists(path))
        {
            throw new InfluxBackupException("OutputIsDirectory", ErrorKind.InvalidArgument, $"'{path}' is a directory.")
            {
                Subject = path,
                Remedy = "Name a file, or choose what goes into one file with -SplitBy (--split-by).",
            };
        }

        if (!options.Resume)
        {
            var begun = new ExportOutput(options, plan, journal, fresh, completed);
            begun.CheckAbsent();

            // From now on whatever ends this run leaves something to resume from.
            journal.Delete();
            journal.Write(fresh);
            return begun;
        }

        var done = journal.Read(fresh.Fingerprint);
        var output = new ExportOutput(options, plan, journal, done, completed) { unitsDone = done.UnitsDone };
        if (done.UnitsDone > 0 && done.UnitsHash != HashUnits(plan, done.UnitsDone))
        {
            throw journal.Invalid("the source has other shards than before");
        }

        output.replaceable.UnionWith(journal.ReadCompleted());
        if (done.Open is { } open)
        {
            TakeBack(open.Path, output.replaceable);
            output.current = ExportFileWriter.Resume(open, options.Compression, cancel);
        }

        return output;
    }

    /// <summary>Begins a shard, or a day of one.</summary>
    public void BeginUnit(ExportUnit next)
    {
        unit = next;
        if (current is not null && current.Key != next.File)
        {
            CompleteFile();
        }

        // One file for everything is there even if there is nothing to write.
        if (!options.HasSeveralFiles)
        {
            current ??= CreateFile(1);
        }
    }

    public void Write(TextChunk chunk)
    {
        if (current is { HasLines: true } && options.MaxFileSize is { } largest && current.Length + chunk.Bytes.Length > largest)
        {
            var part = current.Part + 1;
            CompleteFile();
            current = CreateFile(part);
        }

        current ??= CreateFile(1);
        if (!options.LineProtocolOnly)
        {
            current.EnterContext(unit!.Shard.Key);
        }

        current.Write(chunk);
    }

    /// <summary>Ends the unit: everything of it has been written.</summary>
    public void EndUnit(IReadOnlyList<ExportFinding> findings, long findingCount)
    {
        current?.EndUnit();
        progress = progress with { UnitsDone = ++unitsDone, Findings = findings, FindingCount = findingCount };
        if (sinceCheckpoint.Elapsed >= options.CheckpointInterval)
        {
            Checkpoint();
        }
    }

    /// <summary>Completes the last file and removes the journal.</summary>
    public IReadOnlyList<ExportedFile> Complete()
    {
        if (!options.HasSeveralFiles)
        {
            current ??= CreateFile(1);
        }

        if (current is not null)
        {
            CompleteFile();
        }

        journal?.Delete();
        return progress.Files;
    }

    public void Dispose() => current?.Dispose();

    private void Checkpoint()
    {
        progress = progress with { Open = current?.Checkpoint(), UnitsHash = HashUnits(plan, unitsDone) };
        journal?.Write(progress);
        sinceCheckpoint.Restart();
    }

    private ExportFileWriter CreateFile(int part)
    {
        var key = unit?.File ?? new ExportFileKey(null, null, null, null);
        ExportFileWriter file;
        if (options.OutputStream is { } stream)
        {
            file = ExportFileWriter.Create(key, stream, options.Compression);
        }
        else
        {
            var path = PathOf(key, part);
            if (!replaceable.Contains(path))
            {
                CheckAbsent(path);
            }

            file = ExportFileWriter.Create(key, path, part, options.Compression);
        }

        if (!options.LineProtocolOnly)
        {
            file.WriteHeader(ExportHeader.Create(options.Times, policies[key], plan.Metadata));
        }

        return file;
    }

    private string PathOf(ExportFileKey key, int part)
    {
        var output = Path.GetFullPath(options.Output!);
        if (!options.HasSeveralFiles)
        {
            return output;
        }

        var number = options.MaxFileSize is null ? "" : $".{part:0000}";
        return Path.Combine(output, $"{key.Stem}{number}.lp{(options.Compression is null ? "" : ".gz")}");
    }

    private void CompleteFile()
    {
        // A file in the middle of a unit is no point to resume from: the unit's lines in it would be written again. But a run that
        // goes on from before it must know that the file is its own.
        var file = current!.Complete(path => journal?.AddCompleted(path));
        current.Dispose();
        current = null;
        progress = progress with { Files = [.. progress.Files, file], Open = null };
        completed(file);
    }

    /// <summary>A file that was completed since gets its unfinished name back, because its end is written again.</summary>
    private static void TakeBack(string path, HashSet<string> completedSince)
    {
        var partial = path + LocalFile.PartialSuffix;
        if (completedSince.Contains(path) && !File.Exists(partial) && File.Exists(path))
        {
            try
            {
                File.Move(path, partial);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(partial, e);
            }
        }
    }

    /// <summary>Better now than after hours: whether a file is in the way of any of the plan.</summary>
    private void CheckAbsent()
    {
        var keys = options.HasSeveralFiles ? plan.Units.Select(u => u.File).Distinct() : [new ExportFileKey(null, null, null, null)];
        foreach (var key in keys)
        {
            CheckAbsent(PathOf(key, 1));
        }
    }

    private void CheckAbsent(string path)
    {
        if (!options.Force && File.Exists(path))
        {
            throw new InfluxBackupException("OutputExists", ErrorKind.Exists, $"'{path}' exists already.")
            {
                Subject = path,
                Remedy = "Choose another path, or replace it with -Force (--force).",
            };
        }
    }

    private static string HashUnits(ExportPlan plan, int count) => ExportJournal.Fingerprint(plan.Units.Take(count).Select(u => u.Id));

    private static string Fingerprint(ExportOptions options, ExportPlan plan) => ExportJournal.Fingerprint(
    [
        plan.Source,
        Path.GetFullPath(options.Output ?? "-"),
        options.Times.ToString(),
        options.Split.ToString(),
        $"{options.OneFieldPerLine} {options.LineProtocolOnly} {options.Compression} {options.MaxFileSize}",
        $"{options.Selection.Start:O} {options.Selection.End:O}",
        .. Named("measurement", options.Measurements),
        .. options.Tags.SelectMany(t => Named($"tag {t.Key}", t.Values)),
        .. Named("database", options.Selection.Databases),
        .. Named("policy", options.Selection.RetentionPolicies),
        .. Named("shard", options.Selection.ShardIds.Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture))),
    ]);

    /// <summary>A measurement and a database of one name are different things.</summary>
    private static IEnumerable<string> Named(string kind, IEnumerable<string> values) => values.SelectMany(v => new[] { kind, v });
}
