using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Output;

/// <summary>An import for people and for scripts: its plan, its progress, its result.</summary>
internal sealed class ImportReport(ConsoleOutput console) : IProgress<ImportProgress>, IDisposable
{
    private const int ShownRejections = 10;

    public void Report(ImportProgress value) => console.ShowProgress(value);

    public void Dispose() => console.EndProgress();

    public static void Write(ImportPlan plan, ConsoleOutput console)
    {
        console.WriteResult(Shape(plan), () => Lines(plan, console.Style));
        foreach (var warning in plan.Warnings)
        {
            console.WriteWarning(warning);
        }
    }

    public static void Write(ImportResult result, ConsoleOutput console)
    {
        console.WriteResult(Shape(result), () => Lines(result, console));
        foreach (var warning in result.Warnings)
        {
            console.WriteWarning(warning);
        }

        if (result.Error is { } error)
        {
            console.WriteError(error);
        }
        else if (result.Rejected > 0)
        {
            console.WriteError(new InfluxBackupException("LinesRejected", ErrorKind.InvalidData, $"{Text.Count(result.Rejected, "line")} of '{result.Path}' {(result.Rejected == 1 ? "is" : "are")} not in the database.")
            {
                Subject = result.Path,
                Remedy = $"'{result.RejectPath}' has them with their reasons, and can be imported once those are dealt with.",
            });
        }
    }

    private static IEnumerable<string> Lines(ImportPlan plan, TextStyle style)
    {
        yield return $"Would import {Text.Count(plan.Points, "line")} ({Text.Size(plan.Bytes)} of text) from {style.Bold(plan.Path)}";
        foreach (var statement in plan.Statements)
        {
            yield return $"  {(statement.Outcome == StatementOutcome.Skipped ? "skip" : "run")}  {statement.Statement}";
        }

        if (plan.Targets.Count > 0)
        {
            var table = new Table("DATABASE", "POLICY", ">LINES", "START", "END");
            foreach (var target in plan.Targets)
            {
                table.Add(target.Database, target.RetentionPolicy ?? "(default)", $"{target.Lines}", Text.Time(target.Start), Text.Time(target.End));
            }

            foreach (var line in table.Lines("  ", style))
            {
                yield return line;
            }
        }

        foreach (var line in Rejections(plan.Rejections, plan.Rejected, style))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Lines(ImportResult result, ConsoleOutput console)
    {
        var style = console.Style;
        yield return $"Import of {style.Bold(result.Path)}: {Text.Outcome(result.Outcome, style)}";
        yield return $"  written    {Text.Count(result.PointsWritten, "line")} in {Text.Duration(result.Duration)} ({result.PointsPerSecond:0}/s), {Text.Size(result.Bytes)}, {Text.Count(result.Batches, "request")}"
            + (result.Retries > 0 ? $", {result.Retries} repeated" : "");
        if (result.Rejected > 0)
        {
            yield return $"  rejected   {style.Red(Text.Count(result.Rejected, "line"))}, see {result.RejectPath}";
        }

        if (result.Unacknowledged > 0)
        {
            yield return $"  unknown    {Text.Count(result.Unacknowledged, "line")} sent or read, not acknowledged";
        }

        yield return $"  read       {Text.Count(result.LinesRead, "line")}: {Text.Count(result.Comments, "comment")}, {result.BlankLines} blank, {Text.Count(result.StatementLines, "statement")}";
        if (result.LinesBefore > 0)
        {
            yield return $"  resumed    at line {result.LinesBefore + 1}"
                + (result.RejectedBefore > 0 ? $"; {Text.Count(result.RejectedBefore, "line")} rejected before" : "");
        }

        if (result.CheckpointPath is { } checkpoint)
        {
            yield return $"  checkpoint {checkpoint}: --resume goes on from there";
        }

        foreach (var statement in result.Statements.Where(s => console.IsVerbose || s.Outcome is StatementOutcome.Failed))
        {
            yield return $"  {(statement.Outcome == StatementOutcome.Failed ? style.Red("failed") : statement.Outcome.ToString())}: {statement.Statement}{(statement.Message is null ? "" : $": {statement.Message}")}";
        }

        foreach (var line in Rejections(result.Rejections, result.Rejected, style))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Rejections(IReadOnlyList<ImportRejection> rejections, long count, TextStyle style)
    {
        foreach (var rejection in rejections.Take(ShownRejections))
        {
            yield return $"  {style.Red($"line {rejection.LineNumber}")}: {rejection.Reason}";
        }

        if (count > ShownRejections)
        {
            yield return $"  and {count - Math.Min(ShownRejections, rejections.Count)} more";
        }
    }

    private static object Shape(ImportPlan plan) => new
    {
        whatIf = true,
        path = plan.Path,
        statements = plan.Statements.Select(Shape),
        targets = plan.Targets.Select(t => new { database = t.Database, retentionPolicy = t.RetentionPolicy, lines = t.Lines, startTime = t.Start, endTime = t.End }),
        linesRead = plan.LinesRead,
        points = plan.Points,
        rejected = plan.Rejected,
        comments = plan.Comments,
        blankLines = plan.BlankLines,
        bytes = plan.Bytes,
        rejections = plan.Rejections.Select(Shape),
        warnings = plan.Warnings,
    };

    private static object Shape(ImportResult result) => new
    {
        outcome = result.Outcome,
        path = result.Path,
        linesRead = result.LinesRead,
        pointsWritten = result.PointsWritten,
        rejected = result.Rejected,
        unacknowledged = result.Unacknowledged,
        comments = result.Comments,
        blankLines = result.BlankLines,
        statementLines = result.StatementLines,
        linesBefore = result.LinesBefore,
        rejectedBefore = result.RejectedBefore,
        statements = result.Statements.Select(Shape),
        rejections = result.Rejections.Select(Shape),
        rejectPath = result.RejectPath,
        checkpointPath = result.CheckpointPath,
        batches = result.Batches,
        retries = result.Retries,
        bytes = result.Bytes,
        duration = result.Duration,
        pointsPerSecond = Math.Round(result.PointsPerSecond, 1),
        error = result.Error is null ? null : Json.Of(result.Error),
        warnings = result.Warnings,
    };

    private static object Shape(ImportedStatement statement) =>
        new { lineNumber = statement.LineNumber, statement = statement.Statement, outcome = statement.Outcome, message = statement.Message };

    private static object Shape(ImportRejection rejection) => new { lineNumber = rejection.LineNumber, reason = rejection.Reason, line = rejection.Line };
}
