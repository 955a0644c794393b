using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>What to restore, from which backup, to which server.</summary>
public sealed record RestoreOptions : OperationOptions
{
    /// <summary>Directory of the backup set.</summary>
    public required string Path { get; init; }

    public required InfluxAccess Server { get; init; }

    /// <summary>The backup of the set; the newest unless given.</summary>
    public string? Timestamp { get; init; }

    /// <summary>
    /// Restore what the whole set stands for, up to <see cref="Timestamp"/>: the newest metadata, and each shard from the newest
    /// backup that has it.
    /// </summary>
    public bool Combine { get; init; }

    public ShardSelection Selection { get; init; } = ShardSelection.Everything;

    /// <summary>Name on the server of the one database selected.</summary>
    public string? NewDatabase { get; init; }

    /// <summary>Name on the server of the one retention policy selected.</summary>
    public string? NewRetentionPolicy { get; init; }
}
