using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>Which backup to test, and how deeply.</summary>
public sealed record TestOptions : OperationOptions
{
    /// <summary>Directory of the backup set.</summary>
    public required string Path { get; init; }

    /// <summary>The backup of the set; all of them unless given.</summary>
    public string? Timestamp { get; init; }

    public ShardSelection Selection { get; init; } = ShardSelection.Everything;

    /// <summary>Hashes and the structure of archives only: nothing in a TSM file is looked at but its two ends.</summary>
    public bool Quick { get; init; }

    /// <summary>
    /// Only these shards are read deeply. Of the others the archives must be there, with the right lengths; with <see cref="Quick"/> they
    /// are read as that says.
    /// </summary>
    public DataSubset? ReadDataSubset { get; init; }
}
