using System.Globalization;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations;

/// <summary>
/// Names for files that join those of a live shard. Of equal points the one in the later name wins, as text, now and after every
/// compaction; and a file of the same name would be replaced. So the names decide who wins, and must be free:
/// <code>
/// server wins    000000000-(below the lowest sequence there)     generation 0 is below all that a server makes itself
/// backup wins    (above the highest)-000000001                   with room for the files that the server writes meanwhile
/// </code>
/// In generation 0 the sequences count down from 500 000 000, merge by merge, so that there is always room below. Sequences from 4 on mark
/// files that need no quick compaction, which is what a server expects of its oldest ones. The gaps have a random length: two merges from
/// two machines that look at the same time hardly choose the same names.
/// </summary>
public static class MergeNumbering
{
    private const int HighestSequence = 500_000_000;
    private const int LowestSequence = 4;

    /// <summary>Room for more than half an hour of flushes of 20 ms each, between the look and the end of the upload.</summary>
    private const int Margin = 100_000;
    private const int RandomGap = 10_000;

    private const int GenerationDigits = 9;

    /// <summary>Whether a file is in generation 0, where merges that must lose put theirs.</summary>
    public static bool IsGenerationZero(string name) => name.StartsWith("000000000-", StringComparison.Ordinal);

    /// <summary>Chooses names.</summary>
    /// <param name="preference">Who wins.</param>
    /// <param name="count">How many files there are.</param>
    /// <param name="live">The shard's names; for <see cref="MergePreference.Existing"/> those of generation 0 and the next one are enough.</param>
    /// <param name="target">The shard, for messages.</param>
    /// <returns>Ascending names.</returns>
    /// <exception cref="InfluxBackupException">There is no room, or a name is none that a server makes.</exception>
    public static IReadOnlyList<string> Choose(MergePreference preference, int count, IReadOnlyCollection<string> live, ShardKey target)
    {
        if (live.FirstOrDefault(n => !ShardFileName.IsSafeTsmName(n)) is { } odd)
        {
            throw new InfluxBackupException("LiveFileNameOdd", ErrorKind.Unsupported, $"{Capital(target)} holds '{odd}', a name that does not fit into the order of the others: which points win after a merge can't be foreseen.")
            {
                Subject = target.ToString(),
                Remedy = "Restore into a new database and export and import the points instead.",
            };
        }

#pragma warning disable CA5394 // To be apart from another merge, not to be secret.
        var gap = Random.Shared.Next(RandomGap);
#pragma warning restore CA5394
        return preference == MergePreference.Existing ? Below(count, gap, live, target) : Above(count, gap, live, target);
    }

    private static List<string> Below(int count, int gap, IReadOnlyCollection<string> live, ShardKey target)
    {
        var lowest = live.Where(IsGenerationZero).Select(n => Number(n.AsSpan(GenerationDigits + 1))).DefaultIfEmpty(HighestSequence + 1).Min();
        var first = lowest - gap - count;
        return first >= LowestSequence
            ? Enumerable.Range(first, count).Select(sequence => Name(0, sequence)).ToList()
            : throw new InfluxBackupException("NoRoomBelow", ErrorKind.Unsupported, $"{Capital(target)} has files from {Name(0, lowest)} on: there are no names left below them, and with others the backup would win over what the shard has.")
            {
                Subject = target.ToString(),
                Remedy = "Let the server compact the shard fully, which it does four hours after the last write, and merge again.",
            };
    }

    private static List<string> Above(int count, int gap, IReadOnlyCollection<string> live, ShardKey target)
    {
        var highest = live.Select(n => Number(n)).DefaultIfEmpty(0).Max();
        var first = highest + Margin + gap;
        return first + count <= ShardFileName.HighestSafeGeneration
            ? Enumerable.Range(first, count).Select(generation => Name(generation, 1)).ToList()
            : throw new InfluxBackupException("NoRoomAbove", ErrorKind.Unsupported, $"{Capital(target)} has files up to generation {highest}: names above them would leave the server no room for its own.")
            {
                Subject = target.ToString(),
                Remedy = "Restore into a new database and export and import the points instead.",
            };
    }

    private static string Name(int generation, int sequence) => string.Create(CultureInfo.InvariantCulture, $"{generation:D9}-{sequence:D9}.tsm");

    private static int Number(ReadOnlySpan<char> text) => int.Parse(text[..GenerationDigits], NumberStyles.None, CultureInfo.InvariantCulture);

    private static string Capital(ShardKey shard) => string.Concat("S", shard.ToString().AsSpan(1));
}
