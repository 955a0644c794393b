namespace InfluxBackup.Tsm;

/// <summary>One thing that is wrong with a TSM file.</summary>
/// <param name="Check">The check that found it, such as <c>BlockChecksum</c>.</param>
/// <param name="Offset">Where in the file.</param>
/// <param name="Key">Series key and field that it concerns, readable; null if it concerns the file.</param>
/// <param name="Message">What is wrong, with the numbers.</param>
public sealed record TsmProblem(string Check, long Offset, string? Key, string Message)
{
    public override string ToString() =>
        $"{Check} at offset {Offset}{(Key is null ? "" : $", {Key}")}: {Message}";
}
