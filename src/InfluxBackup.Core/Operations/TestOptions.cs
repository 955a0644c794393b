using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>Which backup to test.</summary>
public sealed record TestOptions : OperationOptions
{
    /// <summary>Directory of the backup set.</summary>
    public required string Path { get; init; }

    /// <summary>The backup of the set; all of them unless given.</summary>
    public string? Timestamp { get; init; }

    public ShardSelection Selection { get; init; } = ShardSelection.Everything;
}
