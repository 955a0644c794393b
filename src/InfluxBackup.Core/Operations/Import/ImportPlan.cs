namespace InfluxBackup.Operations;

/// <summary>Lines for one database and policy.</summary>
/// <param name="Database">Where they would go.</param>
/// <param name="RetentionPolicy">The policy; null stands for the default one.</param>
/// <param name="Lines">How many.</param>
/// <param name="Start">The smallest time, where they have times.</param>
/// <param name="End">The largest time.</param>
public sealed record PlannedImportTarget(string Database, string? RetentionPolicy, long Lines, DateTime? Start, DateTime? End);

/// <summary>What an import would do, found out by reading all of the source and asking no server.</summary>
public sealed record ImportPlan
{
    /// <summary>The file, or what was read instead of one.</summary>
    public required string Path { get; init; }

    public required IReadOnlyList<ImportedStatement> Statements { get; init; }

    public required IReadOnlyList<PlannedImportTarget> Targets { get; init; }

    /// <summary>Lines that can't be sent.</summary>
    public required IReadOnlyList<ImportRejection> Rejections { get; init; }

    public long LinesRead { get; init; }

    /// <summary>Lines that would be sent.</summary>
    public long Points { get; init; }

    public long Rejected { get; init; }

    public long Comments { get; init; }

    public long BlankLines { get; init; }

    /// <summary>Bytes of text, unpacked.</summary>
    public long Bytes { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Points} lines of '{Path}'";
}
