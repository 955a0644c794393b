namespace InfluxBackup.Tsm;

/// <summary>What was found in a TSM file.</summary>
public sealed record TsmFileReport
{
    public required string FileName { get; init; }

    /// <summary>Composite keys (series and field) in the index, as far as it could be read.</summary>
    public required long Keys { get; init; }

    /// <summary>Blocks in the index, as far as it could be read.</summary>
    public required long Blocks { get; init; }

    /// <summary>Points that could be unpacked; null if nothing was unpacked.</summary>
    public required long? Points { get; init; }

    /// <summary>The earliest time, as the index says; null if it names no block.</summary>
    public required long? MinTime { get; init; }

    /// <summary>The latest time, as the index says.</summary>
    public required long? MaxTime { get; init; }

    /// <summary>What is wrong, in the order of the index.</summary>
    public required IReadOnlyList<TsmProblem> Problems { get; init; }

    /// <summary>How many problems there are beyond those that <see cref="Problems"/> tells.</summary>
    public required long MoreProblems { get; init; }

    public bool HasMoreProblems => MoreProblems > 0;

    public bool IsSound => Problems.Count == 0;
}
