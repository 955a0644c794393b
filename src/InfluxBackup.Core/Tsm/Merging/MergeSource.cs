namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// One TSM file of a shard with its deletes. Of the sources of a merge the later ones are newer: at equal times their values win.
/// Deletes hide points of their own file only.
/// </summary>
public sealed record MergeSource(TsmFile File, TombstoneRanges Deletes);

/// <summary>A block that cannot be read, and what it touches.</summary>
/// <param name="FileName">The TSM file.</param>
/// <param name="Offset">Where in the file.</param>
/// <param name="Key">Series and field, readable.</param>
/// <param name="Times">The times that the index gives for it.</param>
/// <param name="Message">What is wrong.</param>
public sealed record DamagedBlock(string FileName, long Offset, string Key, TimeRange Times, string Message);

/// <summary>What to take of a shard, and in which pieces.</summary>
public sealed record MergeOptions
{
    /// <summary>Points outside are left out, exactly.</summary>
    public TimeRange Times { get; init; } = TimeRange.Everything;

    /// <summary>Asked once for each series, given its key as stored (escaped); all are taken unless given.</summary>
    public SeriesPredicate? Includes { get; init; }

    /// <summary>Asked once for each field of such a series that has blocks of these times; all are taken unless given.</summary>
    public FieldPredicate? IncludesField { get; init; }

    /// <summary>
    /// Told of each block that is damaged, from any thread; the merge goes on without it. Unless given, the first one ends the
    /// merge with a <see cref="TsmFormatException"/>. An index that is damaged always does.
    /// </summary>
    public Action<DamagedBlock>? OnDamage { get; init; }
}

/// <summary>Whether a series is wanted.</summary>
public delegate bool SeriesPredicate(ReadOnlySpan<byte> seriesKey);

/// <summary>Whether a field is wanted, given as stored: the series key escaped, the field's name not.</summary>
public delegate bool FieldPredicate(ReadOnlySpan<byte> seriesKey, ReadOnlySpan<byte> field);
