namespace InfluxBackup.Tsm;

/// <summary>One thing that is wrong with a TSM file.</summary>
/// <param name="Check">The check that found it, such as <c>BlockChecksum</c>.</param>
/// <param name="Offset">Where in the file.</param>
/// <param name="Key">Series key and field that it concerns, readable; null if it concerns the file.</param>
/// <param name="Message">What is wrong, with the numbers.</param>
public sealed record TsmProblem(string Check, long Offset, string? Key, string Message)
{
    /// <summary>The series of <see cref="Key"/>, readable.</summary>
    public string? Series { get; init; }

    /// <summary>The field of <see cref="Key"/>, readable.</summary>
    public string? Field { get; init; }

    /// <summary>First time of the block that it concerns, as the index says; null if it concerns more than a block.</summary>
    public long? MinTime { get; init; }

    /// <summary>Last time of the block that it concerns, as the index says.</summary>
    public long? MaxTime { get; init; }

    public override string ToString() =>
        $"{Check} at offset {Offset}{(Key is null ? "" : $", {Key}")}: {Message}";
}
