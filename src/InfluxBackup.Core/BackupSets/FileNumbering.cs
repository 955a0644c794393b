using System.Globalization;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>
/// What the TSM files of a shard are called at the target. Their names, generation and sequence, are their age: of points at the same
/// time that of the file with the later name wins, and a file of a name that is there already replaces it.
/// </summary>
public abstract record FileNumbering
{
    private const int HighestSequence = 999_999_999;

    private FileNumbering()
    {
    }

    /// <summary>
    /// The names that they have. Files of several shards that become one can't keep them; they are numbered one after another from
    /// generation 1 on, as into an empty shard.
    /// </summary>
    public static FileNumbering Keep { get; } = new Kept();

    /// <summary>
    /// Generations from this one on, one for each generation that the files have, with the sequences that they have: a server goes on
    /// compacting where it was. For files that must win over others.
    /// </summary>
    public static FileNumbering FromGeneration(int first) => new Generations(first);

    /// <summary>One generation, sequences from 1 on: for files that must lose against others, there is room below a shard's first one.</summary>
    public static FileNumbering SequencesOf(int generation) => new Sequences(generation);

    /// <summary>Whether files of one source have the names that they had.</summary>
    internal bool KeepsNames => this is Kept;

    /// <summary>The new names, in the same order.</summary>
    /// <param name="names">The safe names of each source's files, older sources first, and of each the names in their order.</param>
    /// <exception cref="InfluxBackupException">There are more than fit in.</exception>
    public abstract IReadOnlyList<IReadOnlyList<string>> Name(IReadOnlyList<IReadOnlyList<string>> names);

    private static string NameOf(int generation, int sequence) =>
        generation <= ShardFileName.HighestSafeGeneration && sequence <= HighestSequence
            ? string.Create(CultureInfo.InvariantCulture, $"{generation:d9}-{sequence:d9}.tsm")
            : throw new InfluxBackupException(
                "GenerationsExhausted", ErrorKind.InvalidData,
                $"The files of the shard need generations above {ShardFileName.HighestSafeGeneration}, which leave the server no room for its own.");

    private sealed record Kept : FileNumbering
    {
        public override IReadOnlyList<IReadOnlyList<string>> Name(IReadOnlyList<IReadOnlyList<string>> names) =>
            names.Count(n => n.Count > 0) <= 1 ? names : FromGeneration(1).Name(names);
    }

    private sealed record Generations(int First) : FileNumbering
    {
        public override IReadOnlyList<IReadOnlyList<string>> Name(IReadOnlyList<IReadOnlyList<string>> names)
        {
            var generation = First - 1;
            return names.Select(source =>
            {
                var last = -1;
                return source.Select(name =>
                {
                    var own = ShardFileName.GenerationOf(name);
                    generation += own == last ? 0 : 1;
                    last = own;
                    return NameOf(generation, ShardFileName.SequenceOf(name));
                }).ToList();
            }).ToList();
        }
    }

    private sealed record Sequences(int Generation) : FileNumbering
    {
        public override IReadOnlyList<IReadOnlyList<string>> Name(IReadOnlyList<IReadOnlyList<string>> names)
        {
            var sequence = 0;
            return names.Select(source => source.Select(_ => NameOf(Generation, ++sequence)).ToList()).ToList();
        }
    }
}
