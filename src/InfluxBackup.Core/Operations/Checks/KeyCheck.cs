using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations.Checks;

/// <summary>One question about what the TSM files of a shard hold together, asked for each key of each file.</summary>
internal abstract class KeyCheck
{
    protected KeyCheck() => Id = GetType().Name[..^"Check".Length];

    public string Id { get; }

    /// <param name="file">Name of the TSM file.</param>
    /// <param name="key">Series and field.</param>
    /// <param name="type">Type of its values.</param>
    /// <param name="summary">Its times.</param>
    /// <param name="findings">Takes what is wrong.</param>
    public abstract void OnKey(string file, ReadOnlySpan<byte> key, TsmBlockType type, in TsmKeySummary summary, Findings findings);

    /// <summary>With what is known of the place.</summary>
    protected static TestFinding At(TestFinding finding, string file, ReadOnlySpan<byte> key, in TsmKeySummary summary)
    {
        var (series, field) = TsmKey.DescribeParts(key);
        return finding with
        {
            Entry = file,
            Series = series,
            Field = field,
            StartTime = ShardTime.ToDateTime(summary.MinTime),
            EndTime = ShardTime.ToDateTime(summary.MaxTime),
        };
    }
}
