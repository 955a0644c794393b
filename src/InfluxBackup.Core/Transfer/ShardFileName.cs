using System.Text.RegularExpressions;

namespace InfluxBackup.Transfer;

/// <summary>
/// Rules for the names of a shard's files. A TSM file is <c>GGGGGGGGG-SSSSSSSSS.tsm</c> (generation, sequence, nine digits
/// each). A server that is given another name may lose the shard or hang at its next start, and one that is given a
/// generation near the limit names its next files so that newer points lose: such names are never uploaded.
/// </summary>
public static partial class ShardFileName
{
    /// <summary>Generations above this leave the server no room for nine-digit names.</summary>
    public const int HighestSafeGeneration = 900_000_000;

    public static bool IsTsm(string name) => name.EndsWith(".tsm", StringComparison.Ordinal);

    public static bool IsTombstone(string name) => name.EndsWith(".tombstone", StringComparison.Ordinal);

    /// <summary>Whether a server may be given a TSM file of this name.</summary>
    public static bool IsSafeTsmName(string name) =>
        WellFormedTsm().IsMatch(name) && GenerationOf(name) <= HighestSafeGeneration;

    /// <summary>The generation of a TSM file of a safe name.</summary>
    public static int GenerationOf(string name) => int.Parse(name.AsSpan(0, 9), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The sequence of a TSM file of a safe name.</summary>
    public static int SequenceOf(string name) => int.Parse(name.AsSpan(10, 9), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Whether a TSM file came of a compaction: its sequence is above 1.</summary>
    public static bool IsCompacted(string name) => WellFormedTsm().IsMatch(name) && string.CompareOrdinal(name, 10, "000000001", 0, 9) > 0;

    /// <summary>The TSM file that a tombstone belongs to.</summary>
    public static string TsmOf(string tombstone) => string.Concat(tombstone.AsSpan(0, tombstone.LastIndexOf('.')), ".tsm");

    [GeneratedRegex("^[0-9]{9}-[0-9]{9}\\.tsm\\z", RegexOptions.CultureInvariant)]
    private static partial Regex WellFormedTsm();
}
