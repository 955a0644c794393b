using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>A line that is not in the database.</summary>
/// <param name="LineNumber">Where it begins in the source, from 1.</param>
/// <param name="Reason">The server's words, or why it was not sent.</param>
/// <param name="Line">The line, or its beginning.</param>
public sealed record ImportRejection(long LineNumber, string Reason, string Line);

/// <summary>What became of a statement of the file.</summary>
public enum StatementOutcome
{
    Done,

    /// <summary>What it creates is there already, in its own way: nothing was changed.</summary>
    AlreadyThere,

    /// <summary>Done in another form, which <see cref="ImportedStatement.Message"/> shows.</summary>
    Replaced,

    /// <summary>Left out as asked for, or because it is of no use where everything goes into another database.</summary>
    Skipped,

    Failed,
}

/// <summary>A statement of the file.</summary>
/// <param name="LineNumber">Where it stands.</param>
/// <param name="Statement">Its text, without passwords.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Message">The server's words, or what was done instead.</param>
public sealed record ImportedStatement(long LineNumber, string Statement, StatementOutcome Outcome, string? Message = null);

/// <summary>
/// What the import of one source came to. Every line that was read is counted once:
/// <c>LinesRead = PointsWritten + Rejected + Unacknowledged + Comments + BlankLines + Statements</c>. A line whose strings have line
/// feeds in them is one line.
/// </summary>
public sealed record ImportResult
{
    /// <summary>The file, or what was read instead of one.</summary>
    public required string Path { get; init; }

    /// <summary>Complete: every line is in the database. Partial: some were refused, or a statement failed. Failed: stopped before the end, or nothing was taken.</summary>
    public required Outcome Outcome { get; init; }

    public long LinesRead { get; init; }

    /// <summary>Lines that the server has acknowledged.</summary>
    public long PointsWritten { get; init; }

    /// <summary>Lines that are not in the database, each with its reason in the reject file.</summary>
    public long Rejected { get; init; }

    /// <summary>Lines that had been read when the import was stopped, without word from the server; 0 unless it was.</summary>
    public long Unacknowledged { get; init; }

    public long Comments { get; init; }

    public long BlankLines { get; init; }

    /// <summary>Lines with statements.</summary>
    public long StatementLines { get; init; }

    /// <summary>Physical lines before the place where this run went on; 0 unless resumed.</summary>
    public long LinesBefore { get; init; }

    /// <summary>Lines that earlier runs, which this one went on from, had rejected.</summary>
    public long RejectedBefore { get; init; }

    public IReadOnlyList<ImportedStatement> Statements { get; init; } = [];

    /// <summary>The first rejected lines; all of them are in the reject file.</summary>
    public IReadOnlyList<ImportRejection> Rejections { get; init; } = [];

    /// <summary>The file with the rejected lines, which can be imported; null when there are none.</summary>
    public string? RejectPath { get; init; }

    /// <summary>Where an import that was stopped can go on; null when there is nothing to go on with.</summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Requests that were acknowledged.</summary>
    public long Batches { get; init; }

    /// <summary>Requests that had to be repeated.</summary>
    public long Retries { get; init; }

    /// <summary>Bytes of line protocol that were acknowledged.</summary>
    public long Bytes { get; init; }

    public TimeSpan Duration { get; init; }

    public double PointsPerSecond => Duration > TimeSpan.Zero ? PointsWritten / Duration.TotalSeconds : 0;

    /// <summary>Why it was stopped.</summary>
    public InfluxBackupException? Error { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];
}
